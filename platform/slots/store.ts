/**
 * Which release this machine runs: one small file in the data folder, whole or not at all. The next start reads it and
 * needs nobody else for it.
 */
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeWhole } from '../../kit/files/durable-file.ts'
import { hashTree } from './tree-hash.ts'

const Slot = z.object({
  /** Of all its sources: see `hashTree`. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** What it was made from, as a person named it. */
  label: z.string().max(300),
  /** Where it lies. */
  dir: z.string(),
})
/** A release of code on this machine, ready to run. */
export type Slot = z.infer<typeof Slot>

const Promoted = Slot.extend({ promotedAt: z.iso.datetime() })
export type Promoted = z.infer<typeof Promoted>

const Quarantined = z.object({ hash: z.string(), reason: z.string(), at: z.iso.datetime() })

const CodeRecord = z.object({
  /** Newest first; none: the program that was started runs its own code. */
  good: z.array(Promoted),
  /** Of the program that was started, when the newest was promoted. */
  startedHash: z.string().nullable(),
  /** Newest first. */
  quarantined: z.array(Quarantined),
})
type CodeRecord = z.infer<typeof CodeRecord>

/** So many good ones are kept on disk, to go back to. */
export const GOOD_KEPT = 3
const QUARANTINED_KEPT = 200

const NOTHING: CodeRecord = { good: [], startedHash: null, quarantined: [] }

export interface SlotStore {
  /** Null: none is in force, and the program that was started runs its own code. */
  readonly current: Promoted | null
  /** Those to go back to, newest first, with the current one. */
  readonly good: readonly Promoted[]
  /** What may not come again, newest first. */
  readonly quarantined: readonly z.infer<typeof Quarantined>[]
  /** Why this content may not be released; null: it may. */
  quarantineOf(hash: string): string | null
  promote(slot: Slot, at: Date): Promise<void>
  quarantine(hash: string, reason: string, at: Date): Promise<void>
  /** Drops the current one for the one before it. @returns what is in force then */
  fallBack(reason: string, at: Date): Promise<Promoted | null>
}

/** Where releases lie. */
export const slotsDirOf = (dataDir: string): string => join(dataDir, 'releases')

/** The program of a slot, as `platform/main.ts` is that of a checkout. */
export const programOf = ({ dir }: Pick<Slot, 'dir'>): string => join(dir, 'platform', 'main.ts')

export interface OpenedStore {
  readonly store: SlotStore
  /** What a person should know of what was found; null: nothing. */
  readonly notice: string | null
}

/**
 * Reads what is in force. A release counts for as long as the program that was started is the one beside which it was promoted:
 * whoever puts new code there and starts it means that. What can't be read orders nothing.
 *
 * @param startedRoot the folder of the program that was started
 */
export async function openSlotStore(dataDir: string, startedRoot: string): Promise<OpenedStore> {
  const path = join(slotsDirOf(dataDir), 'code.json')
  const read = await readRecord(path)
  let record = read.record
  let notice = read.notice
  const first = record.good[0]
  if (first && (await hashTree(startedRoot)) !== record.startedHash) {
    notice = `The code of ${startedRoot} has changed since "${first.label}" was released; it runs, and the release is set aside.`
    record = { ...record, good: [], startedHash: null }
  }
  const whole = record.good.filter((slot) => existsSync(programOf(slot)))
  if (record.good[0] && whole[0] !== record.good[0])
    notice = `The release "${record.good[0].label}" is gone from ${record.good[0].dir}; ${whole[0] ? `"${whole[0].label}"` : 'the code that was started'} runs.`
  record = { ...record, good: whole }

  async function write(next: CodeRecord): Promise<void> {
    record = next
    await writeWhole(path, JSON.stringify(record, null, 2))
    await syncFolder(slotsDirOf(dataDir))
  }
  const withQuarantined = (hash: string, reason: string, at: Date): CodeRecord['quarantined'] =>
    [{ hash, reason, at: at.toISOString() }, ...record.quarantined.filter((one) => one.hash !== hash)].slice(
      0,
      QUARANTINED_KEPT,
    )

  const store: SlotStore = {
    get current() {
      return record.good[0] ?? null
    },
    get good() {
      return record.good
    },
    get quarantined() {
      return record.quarantined
    },
    quarantineOf: (hash) => record.quarantined.find((one) => one.hash === hash)?.reason ?? null,
    async promote(slot, at) {
      const good = [
        { hash: slot.hash, label: slot.label, dir: slot.dir, promotedAt: at.toISOString() },
        ...record.good.filter(({ hash }) => hash !== slot.hash),
      ].slice(0, GOOD_KEPT)
      await write({ ...record, good, startedHash: await hashTree(startedRoot) })
    },
    quarantine: (hash, reason, at) => write({ ...record, quarantined: withQuarantined(hash, reason, at) }),
    async fallBack(reason, at) {
      const [bad, ...good] = record.good
      if (bad) await write({ ...record, good, quarantined: withQuarantined(bad.hash, reason, at) })
      return record.good[0] ?? null
    },
  }
  return { store, notice }
}

async function readRecord(path: string): Promise<{ record: CodeRecord; notice: string | null }> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { record: NOTHING, notice: null }
    throw error
  }
  try {
    return { record: CodeRecord.parse(JSON.parse(text)), notice: null }
  } catch {
    return { record: NOTHING, notice: `${path} can’t be read: the code that was started runs.` }
  }
}
