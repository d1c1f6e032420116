/** Documents that change a running system: checked, tried out, put in force, and taken back. */
export { openDocuments, type Documents } from './documents.ts'
export { checkDocument, objectToSize } from './check.ts'
export { createFlags, type Flags } from './flags.ts'
export { kindOf, RELEASE_KINDS } from './kinds/index.ts'
export { RegionName, RegionPolicy, RegionsDocument, shareOf } from './kinds/regions.ts'
export type { ReleaseBounds, ReleaseKind } from './release-kind.ts'
export {
  candidatePathOf,
  DOCUMENT_FILES,
  documentsDirOf,
  givenPathOf,
  hashOf,
  inboxOf,
  openQuarantine,
  readBefore,
  readLastGood,
  resealDocuments,
  writeLastGood,
  type QuarantineBook,
} from './store.ts'
