/**
 * One file of the shelf, as its maker keeps it: told in each round what it should say, and written when it says something
 * else, or is not what was written any more. What may wait is written within a budget. A file that stays as it is has a
 * copy where else the one before it is: the second of two must not be of another age.
 */
import { createHash } from 'node:crypto'
import { beforeOf, readRecordFile, writeRecordFile } from '../../../kit/files/record-file.ts'
import type { Ctx } from '../../app/context.ts'
import {
  Heading,
  STANDBY_FORMAT,
  standbyPath,
  versionOf,
  type Standing,
  type StandbyFile,
} from '../../app/standby/index.ts'
import type { StandbySizes } from './sizes.ts'

export interface ShelfContent {
  readonly head?: Readonly<Record<string, unknown>>
  readonly sections: Readonly<Record<string, Buffer>>
}

export interface PutOptions {
  /** Before anything of it was read. */
  readonly asOfMs: number
  /** What all transactions before this one committed was read. @default '0': nobody knows */
  readonly beforeXid?: string
  /** Whether what is there already may stay for a while. @default false */
  readonly mayWait?: boolean
}

export interface ShelfFile {
  /** Null: there is none that is known to be right. */
  readonly standing: Standing | null
  /**
   * Whoever reads the file, or its copy where it is damaged, has what all transactions before this one committed. 0: nobody
   * knows.
   */
  readonly certainXid: bigint
  /** Has the file say this, at once or soon. */
  put(content: ShelfContent, options: PutOptions): Promise<void>
  /** Reads it and its copy again, all of both: what is damaged is written by the next `put`. */
  verify(): Promise<void>
}

export function openShelfFile(
  ctx: { readonly config: Pick<Ctx['config'], 'dataDir'>; readonly clock: Ctx['clock'] },
  name: StandbyFile,
  sizes: Pick<StandbySizes, 'writeBps' | 'burstBytes' | 'waitMaxMs'>,
): ShelfFile {
  const path = standbyPath(ctx.config.dataDir, name)
  const budget = openBudget(ctx, sizes)
  let isLearned = false
  /** What lies in the two places; null: nothing that is known to be right. */
  let [main, copy]: [Written | null, Written | null] = [null, null]
  let standing: Standing | null = null

  /** What an earlier process wrote need not be written again. */
  async function learn(): Promise<void> {
    isLearned = true
    main = await readWritten(path)
    copy = await readWritten(beforeOf(path))
    standing = main && standingOf(main)
  }

  async function write(content: ShelfContent, heading: Omit<Heading, 'format'>): Promise<void> {
    // Somebody else's file, or a damaged one, must not push out the one before it.
    const isOldGood = (await isUntouched(main, path)) || (await readWritten(path)) !== null
    const { sizeBytes } = await writeRecordFile(path, recordOf(content, heading), { isOldGood })
    budget.take(sizeBytes)
    if (isOldGood) copy = main
    main = { ...heading, version: await versionOf(path) }
    standing = standingOf(heading)
  }

  async function writeCopy(content: ShelfContent, { version: _, ...heading }: Written): Promise<void> {
    const place = beforeOf(path)
    const { sizeBytes } = await writeRecordFile(place, recordOf(content, heading), { isOldGood: false })
    budget.take(sizeBytes)
    copy = { ...heading, version: await versionOf(place) }
  }

  return {
    get standing() {
      return standing
    },
    get certainXid() {
      const ofMain = BigInt(standing?.isRightBeforeXid ?? 0)
      if (!copy || copy.sum === main?.sum) return ofMain
      const ofCopy = BigInt(copy.beforeXid)
      return ofCopy < ofMain ? ofCopy : ofMain
    },
    async put(content, { asOfMs, beforeXid = '0', mayWait = false }) {
      if (!isLearned) await learn()
      const sum = sumOf(content)
      const isSound = await isUntouched(main, path)
      if (!isSound || main!.sum !== sum) {
        if (!isSound || !mayWait || budget.allows()) await write(content, { asOfMs, beforeXid, sum })
        return
      }
      standing = { asOfMs: main!.asOfMs, isRightAtMs: asOfMs, isRightBeforeXid: beforeXid }
      if (copy?.sum !== sum && budget.allows()) await writeCopy(content, main!)
    },
    async verify() {
      if (main && !(await readWritten(path))) main = null
      if (copy && !(await readWritten(beforeOf(path)))) copy = null
    },
  }
}

interface Written extends Omit<Heading, 'format'> {
  readonly version: string
}

/** Null: it is not there, not whole, or not what our version writes. */
async function readWritten(path: string): Promise<Written | null> {
  const version = await versionOf(path)
  const file = await readRecordFile(path).catch(() => null)
  const heading = Heading.safeParse(file?.head)
  return heading.success ? { ...heading.data, version } : null
}

const standingOf = ({ asOfMs, beforeXid }: Pick<Heading, 'asOfMs' | 'beforeXid'>): Standing => ({
  asOfMs,
  isRightAtMs: asOfMs,
  isRightBeforeXid: beforeXid,
})

const isUntouched = async (written: Written | null, path: string): Promise<boolean> =>
  written !== null && written.version === (await versionOf(path))

const recordOf = ({ head, sections }: ShelfContent, { asOfMs, beforeXid, sum }: Omit<Heading, 'format'>) => ({
  head: { format: STANDBY_FORMAT, asOfMs, beforeXid, sum, ...head },
  sections,
})

/** In the long run `writeBps`; but nothing waits for longer than `waitMaxMs`. */
function openBudget(
  { clock }: Pick<Ctx, 'clock'>,
  { writeBps, burstBytes, waitMaxMs }: Parameters<typeof openShelfFile>[2],
) {
  let leftBytes = burstBytes
  let atMs = clock.monotonicMs()
  const refill = (): void => {
    const nowMs = clock.monotonicMs()
    leftBytes = Math.min(burstBytes, leftBytes + ((nowMs - atMs) / 1000) * writeBps)
    atMs = nowMs
  }
  return {
    allows(): boolean {
      refill()
      return leftBytes > 0
    },
    take(sizeBytes: number): void {
      refill()
      leftBytes = Math.max(leftBytes - sizeBytes, (-writeBps * waitMaxMs) / 1000)
    },
  }
}

function sumOf({ head = {}, sections }: ShelfContent): string {
  const sum = createHash('sha256').update(JSON.stringify(head))
  for (const [name, bytes] of Object.entries(sections))
    sum.update(`\n${name} ${bytes.length}\n`).update(bytes)
  return sum.digest('hex')
}
