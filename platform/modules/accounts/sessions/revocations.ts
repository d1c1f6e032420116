/**
 * Which sessions were ended before their time, known without the database: in memory, and on disk under
 * `DATA_DIR/standby/`. The worker writes all of the last day there every few seconds; in between, each process adds what it
 * ends or hears of to a file of the current minute. Both are checked when they are read.
 */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { readLastGood, readRecordFile, writeRecordFile } from '../../../../kit/files/record-file.ts'
import type { Ctx } from '../../../app/context.ts'
import { hashToken } from './assertions.ts'
import * as queries from '../accounts.queries.ts'

/** Longer than an assertion is good for. */
export const REVOCATIONS_KEPT_MS = 25 * 3_600_000
/** What was known this long ago, and not since, is no ground to let anybody in as an operator. */
export const VOUCHED_FOR_MS = 3_600_000
/** Heard of since the database was there last; more than these are on disk alone. */
const REMEMBERED_MAX = 50_000
/** Files of minutes are kept until the whole list must have been written many times since. */
const MINUTES_KEPT = 15

const HASH_BYTES = 32
const CHECK_BYTES = 4
const ENTRY_BYTES = HASH_BYTES + CHECK_BYTES
const SECTION = 'tokens'
const Head = z.object({ format: z.literal(1), asOfMs: z.number() })

const pathOf = (dataDir: string) => join(dataDir, 'standby', 'revoked-sessions')
const minutesDirOf = (dataDir: string) => join(dataDir, 'standby', 'revoked-lately')
const minuteOf = (nowMs: number) => Math.floor(nowMs / 60_000)
const toHash = (bytes: Buffer) => bytes.toString('base64url')
const checkOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest().subarray(0, CHECK_BYTES)

type Place = Pick<Ctx, 'config' | 'clock'>

export interface Revocations extends Disposable {
  /** Whether the session of this token was ended, as far as is known here. Waits for the disk once the database is away. */
  isRevoked(token: string): Promise<boolean>
  /** The same by what is in memory at this moment, at the cost of a hash; before the disk was read it is true of each. */
  mayBeRevoked(token: string): boolean
  /** Whether what is known is whole and young enough to let an operator in by it. */
  isVouchedFor(): Promise<boolean>
}

/** Each process hears here of the tokens of sessions that any has ended. */
export const REVOKED_CHANNEL = 'session-revoked'

/** Follows them in this process until disposal. */
export function openRevocations(
  ctx: Pick<Ctx, 'config' | 'clock' | 'listener' | 'databaseGuard' | 'log'>,
): Revocations {
  const known = new Set<string>()
  let wasRead = false
  /** Of the list on disk; null: it was never read whole. */
  let asOfMs: number | null = null
  /** Until when this process heard of each; null: the database was never there. */
  let heardUntilMs: number | null = null

  async function load(): Promise<void> {
    const found = await readRevoked(ctx.config.dataDir)
    for (const hash of found.hashes) known.add(hash)
    asOfMs = found.asOfMs
    wasRead = true
    if (found.damage.length > 0) ctx.log.error({ err: found.damage[0] }, 'accounts.revocations-damaged')
  }
  let loading = load()
  const readAnew = () => {
    known.clear()
    loading = load()
  }

  const stops = [
    ctx.listener.on(REVOKED_CHANNEL, (token) => {
      if (known.size >= REMEMBERED_MAX) readAnew()
      known.add(hashToken(token as string))
      keepRevoked(ctx, [token as string]).catch((error: unknown) =>
        ctx.log.warn({ err: error }, 'accounts.revocation-not-kept'),
      )
    }),
    ctx.databaseGuard.onChange((isUp) => {
      // A question can fail while the database counts as there, and then an assertion is shown as well.
      if (isUp) return readAnew()
      heardUntilMs = ctx.clock.now().getTime()
      loading = load()
    }),
  ]
  return {
    async isRevoked(token) {
      await loading
      return known.has(hashToken(token))
    },
    mayBeRevoked: (token) => !wasRead || known.has(hashToken(token)),
    async isVouchedFor() {
      await loading
      if (asOfMs === null) return false
      return ctx.clock.now().getTime() - Math.max(asOfMs, heardUntilMs ?? 0) <= VOUCHED_FOR_MS
    },
    [Symbol.dispose]: () => stops.forEach((stop) => stop()),
  }
}

/** Adds sessions that were ended to this minute's file; on disk when it settles. */
export async function keepRevoked({ config, clock }: Place, tokens: readonly string[]): Promise<void> {
  if (tokens.length === 0) return
  const dir = minutesDirOf(config.dataDir)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const entries = tokens.map((token) => {
    const hash = Buffer.from(hashToken(token), 'base64url')
    return Buffer.concat([hash, checkOf(hash)])
  })
  const file = await open(join(dir, String(minuteOf(clock.now().getTime()))), 'a', 0o600)
  try {
    // All of it, or it fails: a single write to a disk that fills up takes a part and says nothing.
    await file.appendFile(Buffer.concat(entries))
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Writes the whole list of the last day, and removes files of minutes that it has made needless. */
export async function writeRevocations(ctx: Ctx): Promise<void> {
  const now = ctx.clock.now()
  const path = pathOf(ctx.config.dataDir)
  const rows = await queries.listRevocations(ctx.db, new Date(now.getTime() - REVOCATIONS_KEPT_MS))
  const isOldGood = await readRecordFile(path).then(
    () => true,
    () => false,
  )
  await writeRecordFile(
    path,
    {
      head: { format: 1, asOfMs: now.getTime() } satisfies z.infer<typeof Head>,
      sections: { [SECTION]: Buffer.concat(rows.map((row) => row.token_sha256)) },
    },
    { isOldGood },
  )
  const dir = minutesDirOf(ctx.config.dataDir)
  const oldest = minuteOf(now.getTime()) - MINUTES_KEPT
  for (const name of await readdir(dir).catch(() => []))
    if (Number(name) < oldest) await rm(join(dir, name), { force: true })
}

async function readRevoked(
  dataDir: string,
): Promise<{ hashes: string[]; asOfMs: number | null; damage: readonly Error[] }> {
  const { file, damage } = await readLastGood(pathOf(dataDir))
  const head = Head.safeParse(file?.head)
  const whole = head.success ? splitHashes(file!.sections.get(SECTION)!) : []
  const dir = minutesDirOf(dataDir)
  const names = await readdir(dir).catch(() => [])
  const minutes = await Promise.all(
    names.map((name) => readFile(join(dir, name)).catch(() => Buffer.alloc(0))),
  )
  return {
    hashes: [...whole, ...minutes.flatMap(findEntries)].map(toHash),
    asOfMs: head.success ? head.data.asOfMs : null,
    damage,
  }
}

function splitHashes(bytes: Buffer): Buffer[] {
  const count = Math.floor(bytes.length / HASH_BYTES)
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
}

/**
 * The hashes of all whole entries. Any may be torn, where the disk was full or the power went, and the next one then
 * stands right behind the part that is there: what does not check is gone over byte by byte.
 */
function findEntries(bytes: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at + ENTRY_BYTES <= bytes.length;) {
    const hash = bytes.subarray(at, at + HASH_BYTES)
    const isWhole = checkOf(hash).equals(bytes.subarray(at + HASH_BYTES, at + ENTRY_BYTES))
    if (isWhole) found.push(hash)
    at += isWhole ? ENTRY_BYTES : 1
  }
  return found
}
