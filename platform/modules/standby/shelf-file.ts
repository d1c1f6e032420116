/**
 * One file of the shelf, as its maker keeps it: told in each round what it should say, and written when it says something
 * else, or is not what was written any more. What may wait is written within a budget. A file that stays as it is has a
 * copy where else the one before it is: the second of two must not be of another age.
 */
import { createHash } from 'node:crypto'
import { beforeOf, readRecordFile, writeRecordFile } from '../../../kit/record-file.ts'
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
  /** Whether what is there already may stay for a while. @default false */
  readonly mayWait?: boolean
}

export interface ShelfFile {
  /** Null: there is none that is known to be right. */
  readonly standing: Standing | null
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
    standing = main && { asOfMs: main.asOfMs, isRightAtMs: main.asOfMs }
  }

  async function write(content: ShelfContent, asOfMs: number, sum: string): Promise<void> {
    // Somebody else's file, or a damaged one, must not push out the one before it.
    const isOldGood = (await isUntouched(main, path)) || (await readWritten(path)) !== null
    const { sizeBytes } = await writeRecordFile(path, recordOf(content, asOfMs, sum), { isOldGood })
    budget.take(sizeBytes)
    if (isOldGood) copy = main
    main = { asOfMs, sum, version: await versionOf(path) }
    standing = { asOfMs, isRightAtMs: asOfMs }
  }

  async function writeCopy(content: ShelfContent, { asOfMs, sum }: Written): Promise<void> {
    const place = beforeOf(path)
    const { sizeBytes } = await writeRecordFile(place, recordOf(content, asOfMs, sum), { isOldGood: false })
    budget.take(sizeBytes)
    copy = { asOfMs, sum, version: await versionOf(place) }
  }

  return {
    get standing() {
      return standing
    },
    async put(content, { asOfMs, mayWait = false }) {
      if (!isLearned) await learn()
      const sum = sumOf(content)
      const isSound = await isUntouched(main, path)
      if (!isSound || main!.sum !== sum) {
        if (!isSound || !mayWait || budget.allows()) await write(content, asOfMs, sum)
        return
      }
      standing = { asOfMs: main!.asOfMs, isRightAtMs: asOfMs }
      if (copy?.sum !== sum && budget.allows()) await writeCopy(content, main!)
    },
    async verify() {
      if (main && !(await readWritten(path))) main = null
      if (copy && !(await readWritten(beforeOf(path)))) copy = null
    },
  }
}

interface Written {
  readonly asOfMs: number
  readonly sum: string
  readonly version: string
}

/** Null: it is not there, not whole, or not what our version writes. */
async function readWritten(path: string): Promise<Written | null> {
  const version = await versionOf(path)
  const file = await readRecordFile(path).catch(() => null)
  const heading = Heading.safeParse(file?.head)
  return heading.success ? { asOfMs: heading.data.asOfMs, sum: heading.data.sum, version } : null
}

const isUntouched = async (written: Written | null, path: string): Promise<boolean> =>
  written !== null && written.version === (await versionOf(path))

const recordOf = ({ head, sections }: ShelfContent, asOfMs: number, sum: string) => ({
  head: { format: STANDBY_FORMAT, asOfMs, sum, ...head },
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
