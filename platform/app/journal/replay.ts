/**
 * Replay: what the journal has is done by the same verbs, each entry in a transaction with its row in `journal_settled`.
 *
 * An actor's entries are done in their order, those of different actors beside each other. A death at any point changes
 * nothing: what is read again is known by its row.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { NotAdmittedError } from '../../../kit/admission/index.ts'
import { writeWhole } from '../../../kit/files/durable-file.ts'
import type { Journal, JournalRecord } from '../../../kit/journal/index.ts'
import { eachInParallel } from '../../../kit/bounded/parallel.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import { inTransaction, isDatabaseUnavailable, type Db, type Tx } from '../../infra/db/index.ts'
import type { Ctx } from '../context.ts'
import { AppError } from '../errors.ts'
import { createEvents } from '../events.ts'
import type { AnyAct } from './acts.ts'
import { decodeEntry, type KeptEntry } from './entries.ts'
import * as queries from './journal.queries.ts'

const LOOK_INTERVAL_MS = 250
/** Entries between two positions on the disk. */
const CHUNK = 128
/** Of one actor, in one transaction. */
const TOGETHER = 16
/** An entry that fails this often, alone, in a way that nobody expected is set aside. */
const ATTEMPTS = 2
/** Of a transaction that another one was in the way of. */
const CONFLICT_ATTEMPTS = 8
const CONFLICT_PAUSE_MS = 50

/** Codes of refusals that mean: it was right then, and can no longer be done. */
const VOID_CODES: ReadonlySet<string> = new Set(['not-found', 'not-allowed', 'invalid-input'])
const FOREIGN_KEY_VIOLATION = '23503'
/** Serialization failure, deadlock, lock not available, query cancelled. */
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01', '55P03', '57014'])

type Acts = ReadonlyMap<string, AnyAct>

/** Entry null: it can't be read. */
interface ReadEntry {
  readonly record: JournalRecord
  readonly entry: KeptEntry | null
}

/** Replays by itself from now on, whenever the database is there and something waits. Disposal ends it after the entry under way. */
export function startReplay(ctx: Ctx, acts: readonly AnyAct[]): AsyncDisposable {
  const { journal, steward, databaseGuard } = ctx
  if (journal === null) return { [Symbol.asyncDispose]: async () => {} }
  steward.addProbe('journal', () => journal.isWritable)
  // Of an absence nothing waits any more. What is kept after it follows its own actor only.
  let backAtMs = ctx.clock.now().getTime()
  const stopWatching = databaseGuard.onChange((isUp) => {
    if (isUp) backAtMs = ctx.clock.now().getTime()
  })
  steward.addStepProbe('journal', () => (journal.oldestAtMs ?? Infinity) >= backAtMs)
  const repeating = startRepeating({
    intervalMs: LOOK_INTERVAL_MS,
    async work(signal) {
      if (journal.sources().length > 0 && steward.isUp('database')) await replayAll(ctx, acts, signal)
    },
    onError: (error) => {
      // Away again: the steward tells of it.
      if (!isAway(error)) ctx.log.error({ err: error }, 'journal.replay-failed')
    },
  })
  return {
    async [Symbol.asyncDispose]() {
      stopWatching()
      await repeating[Symbol.asyncDispose]()
    },
  }
}

/**
 * Settles everything that waits.
 *
 * @throws when the database goes away, or the signal is aborted: what was settled so far is, the rest goes on waiting.
 */
export async function replayAll(ctx: Ctx, acts: readonly AnyAct[], signal?: AbortSignal): Promise<void> {
  const { journal } = ctx
  if (journal === null) return
  const byName: Acts = new Map(acts.map((act) => [act.name, act]))
  const given = new Set<Journal>()
  for (;;) {
    const source = journal.sources().find((one) => !given.has(one))
    if (!source) return
    const before = journal.settledCount
    try {
      for await (const chunk of inChunks(source.read())) {
        await settleChunk(ctx, byName, { source, chunk }, signal ?? new AbortController().signal)
        await journal.removeUpTo(source, chunk.at(-1)!.sequence)
      }
      if (journal.settledCount > before) continue
      journal.tellUnreadable(source.folder, new Error('Records that were acknowledged can not be read.'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall !== 'read') throw error
      journal.tellUnreadable(source.folder, error)
    }
    // A file that can't be read holds up neither the other journals nor, by `sets`, their order.
    given.add(source)
  }
}

async function* inChunks(records: AsyncIterable<JournalRecord>): AsyncGenerator<JournalRecord[]> {
  let chunk: JournalRecord[] = []
  for await (const record of records) {
    chunk.push(record)
    if (chunk.length < CHUNK) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

async function settleChunk(
  ctx: Ctx,
  acts: Acts,
  { source, chunk }: { readonly source: Journal; readonly chunk: readonly JournalRecord[] },
  signal: AbortSignal,
): Promise<void> {
  // Actors at once: half of the pool, so that what people do meanwhile has its own.
  const concurrency = Math.max(1, Math.floor(ctx.config.database.poolSize / 2))
  const journal = ctx.journal!
  const left = chunk.filter(({ sequence }) => !journal.isSettled(source, sequence))
  const read = left.map((record) => ({ record, entry: decodeEntry(record.payload) }))
  const byActor = Map.groupBy(read, ({ entry }) => entry?.actor ?? null)
  await eachInParallel(iterate(byActor.values()), { concurrency, signal }, async (all, aborted) => {
    for (let at = 0; at < all.length; at += TOGETHER) {
      aborted.throwIfAborted()
      const some = all.slice(at, at + TOGETHER)
      if (!(await settleTogether(ctx, acts, some))) await settleEach(ctx, acts, some, aborted)
      for (const { record } of some) journal.noteSettled(source, record.sequence)
    }
  })
}

async function* iterate<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values
}

/**
 * Several entries of one actor in one transaction, each with its row: a commit costs a sync, and those that notify wait for
 * each other.
 *
 * @returns false when one of them fails, and nothing is done: each has to be settled alone.
 */
async function settleTogether(ctx: Ctx, acts: Acts, some: readonly ReadEntry[]): Promise<boolean> {
  const entries = some.flatMap(({ entry }) => entry ?? [])
  if (some.length < 2 || entries.length < some.length) return false
  try {
    const outcomes = await inTransaction(ctx, async (tx) => {
      const settled: (queries.Outcome | null)[] = []
      for (const entry of entries) settled.push(await settleIn(tx, ctx, acts, entry))
      return settled
    })
    for (const outcome of outcomes) if (outcome !== null) ctx.journal!.settled[outcome] += 1
    return true
  } catch (error) {
    if (isAway(error)) throw error
    return false
  }
}

async function settleEach(
  ctx: Ctx,
  acts: Acts,
  some: readonly ReadEntry[],
  aborted: AbortSignal,
): Promise<void> {
  for (const { record, entry } of some) {
    aborted.throwIfAborted()
    if (entry === null) await setAsideUnread(ctx, record)
    else await settle(ctx, acts, entry)
  }
}

/** Brings the entry to its end. @throws when the database is away, or the entry can't be set aside. */
async function settle(ctx: Ctx, acts: Acts, entry: KeptEntry): Promise<void> {
  const { settled } = ctx.journal!
  let [failures, conflicts] = [0, 0]
  for (;;) {
    try {
      const outcome = await inTransaction(ctx, (tx) => settleIn(tx, ctx, acts, entry))
      if (outcome !== null) settled[outcome] += 1
      return
    } catch (error) {
      if (isAway(error)) throw error
      if (isVoid(error)) return await voidEntry(ctx, entry, error)
      const isConflict = CONFLICTS.has((error as { code?: string }).code ?? '')
      if (isConflict && ++conflicts < CONFLICT_ATTEMPTS) await sleep(CONFLICT_PAUSE_MS)
      else if (++failures >= ATTEMPTS) return await setAside(ctx, entry, error)
    }
  }
}

/** Null: it was settled before. */
async function settleIn(tx: Tx, ctx: Ctx, acts: Acts, entry: KeptEntry): Promise<queries.Outcome | null> {
  const act = acts.get(entry.act)
  if (!act) throw new TypeError(`This version knows no act "${entry.act}".`)
  // Parsed by the act's own shape.
  const input = act.shape.parse(entry.input) as never
  if (!(await queries.insertSettled(tx, rowOf(ctx, entry, 'done')))) return null
  if (entry.sets !== null && (await queries.isSuperseded(tx, { sets: entry.sets, keptAt: entry.at }))) {
    await queries.markSuperseded(tx, entry.id)
    return 'superseded'
  }
  await act.do(contextAt(ctx, tx, entry.at), input)
  return 'done'
}

/** The context in which the entry was acknowledged: its time, and one transaction for all that the verb does. */
function contextAt(ctx: Ctx, tx: Tx, at: Date): Ctx {
  const clock = { now: () => at, monotonicMs: () => ctx.clock.monotonicMs() }
  const newId = () => uuidv7({ msecs: at.getTime() })
  return { ...ctx, db: tx as Db, clock, events: createEvents(clock), newId }
}

async function voidEntry(ctx: Ctx, entry: KeptEntry, error: unknown): Promise<void> {
  if (!(await recordSettled(ctx, entry, 'void'))) return
  ctx.journal!.settled.void += 1
  ctx.log.info({ entry: entry.id, act: entry.act, code: (error as { code?: string }).code }, 'journal.void')
}

/** Into a file of its own, from which a person can take it; then never again. */
async function setAside(ctx: Ctx, entry: KeptEntry, error: unknown): Promise<void> {
  const path = join(ctx.config.paths.journalAside, `${entry.id}.json`)
  await writeAside(path, JSON.stringify({ error: String(error), entry }, null, 2))
  if (!(await recordSettled(ctx, entry, 'set-aside'))) return
  ctx.journal!.settled['set-aside'] += 1
  ctx.log.error({ err: error, entry: entry.id, act: entry.act, path }, 'journal.set-aside')
}

async function setAsideUnread(ctx: Ctx, { sequence, payload }: JournalRecord): Promise<void> {
  const path = join(ctx.config.paths.journalAside, `unread-${ctx.newId()}.bin`)
  await writeAside(path, payload)
  ctx.journal!.settled['set-aside'] += 1
  ctx.log.error({ sequence, path }, 'journal.set-aside')
}

async function writeAside(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  await writeWhole(path, content)
}

const recordSettled = (ctx: Ctx, entry: KeptEntry, outcome: queries.Outcome): Promise<boolean> =>
  inTransaction(ctx, (tx) => queries.insertSettled(tx, rowOf(ctx, entry, outcome)))

const rowOf = (ctx: Ctx, entry: KeptEntry, outcome: queries.Outcome): queries.Settled => ({
  id: entry.id,
  outcome,
  sets: entry.sets,
  keptAt: entry.at,
  settledAt: ctx.clock.now(),
})

const isAway = (error: unknown): boolean =>
  isDatabaseUnavailable(error) ||
  error instanceof NotAdmittedError ||
  (error instanceof AppError && error.code === 'database-unavailable') ||
  (error as Error).name === 'AbortError'

const isVoid = (error: unknown): boolean =>
  error instanceof AppError
    ? VOID_CODES.has(error.code)
    : (error as { code?: string }).code === FOREIGN_KEY_VIOLATION
