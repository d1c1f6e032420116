/**
 * Documents on disk, a folder each kind: the last good one and the one before it, sealed with the instance's own secret, and
 * by their hashes those that may not come again. Whoever uses one reads it here: with the supervisor dead as well.
 */
import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeWhole } from '../../kit/files/durable-file.ts'
import { beforeOf, readRecordFile, writeRecordFile } from '../../kit/files/record-file.ts'
import { kindOf, RELEASE_KINDS } from './kinds/index.ts'

export interface LastGood {
  readonly kind: string
  /** SHA-256 of the document's bytes, in hex. */
  readonly hash: string
  readonly promotedAt: string
  readonly text: string
  readonly content: unknown
}

const Head = z.object({ kind: z.string(), hash: z.string(), promotedAt: z.iso.datetime(), seal: z.string() })
const Quarantine = z.array(
  z.object({ kind: z.string(), hash: z.string(), reason: z.string(), at: z.iso.datetime() }),
)
export type Quarantined = z.infer<typeof Quarantine>[number]
const QUARANTINED_KEPT = 500

/** Of an instance: the first seals, any of them opens. */
export type SealSecrets = string | readonly string[]

export const documentsDirOf = (dataDir: string): string => join(dataDir, 'documents')
/** Whoever puts `KIND.json` here releases it. */
export const inboxOf = (dataDir: string): string => join(documentsDirOf(dataDir), 'inbox')
export const candidatePathOf = (dataDir: string, kind: string, hash: string): string =>
  join(documentsDirOf(dataDir), kind, `candidate-${hash.slice(0, 16)}.json`)
/** Where what an order names lies. */
export const givenPathOf = (dataDir: string, kind: string, hash: string): string =>
  join(documentsDirOf(dataDir), kind, `given-${hash.slice(0, 16)}.json`)
const currentPathOf = (dataDir: string, kind: string): string => join(documentsDirOf(dataDir), kind, 'good')
const quarantinePathOf = (dataDir: string): string => join(documentsDirOf(dataDir), 'quarantine.json')

/** Of a data folder, what is in force, what was before it, and what may not come again: a backup has them. */
export const DOCUMENT_FILES: readonly string[] = [
  quarantinePathOf(''),
  ...RELEASE_KINDS.flatMap(({ name }) => [currentPathOf('', name), beforeOf(currentPathOf('', name))]),
]

export const hashOf = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/** By a key of its own, derived from the instance's secret (HKDF, RFC 5869). */
function sealOf(secret: string, { kind, hash, promotedAt }: Omit<z.infer<typeof Head>, 'seal'>): string {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'upbeat document release', 32))
  return createHmac('sha256', key).update(`${kind}\0${hash}\0${promotedAt}`).digest('hex')
}

/**
 * Reads the last good one; where that is damaged, forged, or not what this code can use, the one before it.
 *
 * @returns `damage`: what was wrong with those passed over. Never throws: code defaults hold where there is none.
 */
export async function readLastGood(
  dataDir: string,
  kind: string,
  secrets: SealSecrets,
): Promise<{ readonly good: LastGood | null; readonly damage: readonly Error[] }> {
  const path = currentPathOf(dataDir, kind)
  const damage: Error[] = []
  for (const place of [path, beforeOf(path)]) {
    try {
      return { good: await readOne(place, kind, secrets), damage }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') damage.push(error as Error)
    }
  }
  return { good: null, damage }
}

async function readOne(path: string, kind: string, secrets: SealSecrets): Promise<LastGood> {
  const file = await readRecordFile(path)
  const head = Head.parse(file.head)
  const bytes = file.sections.get('document') ?? Buffer.alloc(0)
  const given = Buffer.from(head.seal)
  const isSealed = [secrets].flat().some((secret) => {
    const expected = Buffer.from(sealOf(secret, head))
    return expected.length === given.length && timingSafeEqual(expected, given)
  })
  if (head.kind !== kind || !isSealed || hashOf(bytes) !== head.hash)
    throw new Error(`${path} was not sealed by this instance.`)
  const text = bytes.toString('utf8')
  return { ...head, text, content: kindOf(kind)!.schema.parse(JSON.parse(text)) }
}

/** What one process is to try out in place of the last good one. @throws when it is not what was checked */
export async function readCandidate(dataDir: string, kind: string, hash: string): Promise<unknown> {
  const bytes = await readFile(candidatePathOf(dataDir, kind, hash))
  if (hashOf(bytes) !== hash)
    throw new Error(`The candidate for ${kind} has been changed since it was checked.`)
  return kindOf(kind)!.schema.parse(JSON.parse(bytes.toString('utf8')))
}

/** Makes it the last good one; the one that was becomes the one before it. */
export async function writeLastGood(
  dataDir: string,
  secrets: SealSecrets,
  { kind, text, at }: { readonly kind: string; readonly text: string; readonly at: Date },
): Promise<void> {
  const { good } = await readLastGood(dataDir, kind, secrets)
  const head = { kind, hash: hashOf(text), promotedAt: at.toISOString() }
  await writeSealed(
    dataDir,
    [secrets].flat()[0]!,
    { ...head, text },
    good !== null && good.hash !== head.hash,
  )
}

async function writeSealed(
  dataDir: string,
  secret: string,
  { text, kind, hash, promotedAt }: Omit<LastGood, 'content'>,
  isOldGood: boolean,
): Promise<void> {
  const head = { kind, hash, promotedAt }
  await writeRecordFile(
    currentPathOf(dataDir, kind),
    { head: { ...head, seal: sealOf(secret, head) }, sections: { document: Buffer.from(text) } },
    { isOldGood },
  )
}

/** Seals by another secret what is in force and what was before it. Idempotent. @returns of how many kinds */
export async function resealDocuments(dataDir: string, from: string, to: string): Promise<number> {
  let count = 0
  for (const { name } of RELEASE_KINDS) {
    const { good } = await readLastGood(dataDir, name, from)
    if (!good) continue
    const before = await readBefore(dataDir, name, from)
    const isOther = before !== null && before.hash !== good.hash
    if (isOther) await writeSealed(dataDir, to, before, false)
    await writeSealed(dataDir, to, good, isOther)
    count++
  }
  return count
}

/** The one before the last good one; null: there is none. */
export async function readBefore(
  dataDir: string,
  kind: string,
  secrets: SealSecrets,
): Promise<LastGood | null> {
  return readOne(beforeOf(currentPathOf(dataDir, kind)), kind, secrets).catch(() => null)
}

export interface QuarantineBook {
  readonly all: readonly Quarantined[]
  reasonOf(hash: string): string | null
  add(entry: Quarantined): Promise<void>
}

/** One that can't be read is begun anew: it only ever keeps things out. */
export async function openQuarantine(dataDir: string): Promise<QuarantineBook> {
  const path = quarantinePathOf(dataDir)
  let all = await readFile(path, 'utf8')
    .then((text) => Quarantine.parse(JSON.parse(text)))
    .catch((): Quarantined[] => [])
  return {
    get all() {
      return all
    },
    reasonOf: (hash) => all.find((entry) => entry.hash === hash)?.reason ?? null,
    async add(entry) {
      all = [entry, ...all.filter(({ hash }) => hash !== entry.hash)].slice(0, QUARANTINED_KEPT)
      await writeWhole(path, JSON.stringify(all, null, 2))
      await syncFolder(documentsDirOf(dataDir))
    },
  }
}
