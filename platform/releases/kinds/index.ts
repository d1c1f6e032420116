/** The kinds of documents that there are. */
import type { ReleaseKind } from '../release-kind.ts'
import { configurationKind } from './configuration.ts'
import { flagsKind } from './flags.ts'
import { rankingKind } from './ranking.ts'
import { regionsKind } from './regions.ts'

export const RELEASE_KINDS: readonly ReleaseKind[] = [
  flagsKind,
  configurationKind,
  rankingKind,
  regionsKind,
] as readonly ReleaseKind[]

export const kindOf = (name: string): ReleaseKind | null =>
  RELEASE_KINDS.find((kind) => kind.name === name) ?? null
