/** The documents in force, as one process uses them: the last good ones, but for the one that this process tries out. */
import type { Log } from '../../kit/log.ts'
import { RELEASE_KINDS } from './kinds/index.ts'
import type { ConfigurationDocument } from './kinds/configuration.ts'
import type { FlagsDocument } from './kinds/flags.ts'
import type { RankingDocument } from './kinds/ranking.ts'
import type { RegionsDocument } from './kinds/regions.ts'
import { readCandidate, readLastGood, type SealSecrets } from './store.ts'

export interface DocumentContents {
  readonly flags: FlagsDocument
  readonly configuration: ConfigurationDocument
  readonly ranking: RankingDocument
  readonly regions: RegionsDocument
}

export interface Documents {
  /** Null: none is in force, and the code's own defaults hold. Costs nothing: replaced as a whole with each change. */
  get<Kind extends keyof DocumentContents>(kind: Kind): DocumentContents[Kind] | null
  /** Calls at once, and after each change. */
  use<Kind extends keyof DocumentContents>(
    kind: Kind,
    apply: (content: DocumentContents[Kind] | null) => void,
  ): void
  /** Reads what has become the last good one. */
  reload(): Promise<void>
}

export interface DocumentsOptions {
  readonly dataDir: string
  readonly secrets: SealSecrets
  readonly log: Log
  /** `KIND:HASH` of what this process alone has in place of the last good one; null: nothing. */
  readonly candidate: string | null
}

/** Reads them. @throws when the candidate can't be used: a canary must not pass for one without having it */
export async function openDocuments({
  dataDir,
  secrets,
  log,
  candidate,
}: DocumentsOptions): Promise<Documents> {
  const contents = new Map<string, unknown>()
  const hashes = new Map<string, string>()
  const users: { readonly kind: string; readonly apply: (content: never) => void }[] = []
  const [triedKind, triedHash] = candidate?.split(':') ?? []

  async function reload(): Promise<void> {
    for (const { name } of RELEASE_KINDS) {
      if (name === triedKind) continue
      const { good, damage } = await readLastGood(dataDir, name, secrets)
      for (const error of damage) log.error({ err: error, kind: name }, 'document.damaged')
      // Where nothing on the disk can be used any more, what is in memory was good.
      if (good === null || hashes.get(name) === good.hash) continue
      hashes.set(name, good.hash)
      contents.set(name, good.content)
      for (const { kind, apply } of users) if (kind === name) apply(good.content as never)
    }
  }

  if (triedKind !== undefined && triedHash !== undefined)
    contents.set(triedKind, await readCandidate(dataDir, triedKind, triedHash))
  await reload()
  return {
    get: <Kind extends keyof DocumentContents>(kind: Kind) =>
      (contents.get(kind) ?? null) as DocumentContents[Kind] | null,
    use(kind, apply) {
      users.push({ kind, apply: apply as (content: never) => void })
      apply((contents.get(kind) ?? null) as never)
    },
    reload,
  }
}
