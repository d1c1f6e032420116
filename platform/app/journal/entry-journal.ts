/**
 * The journal of one process, and those that it has taken up from dead ones: entries go in, are acknowledged when they are
 * durable, and wait here until they are settled.
 */
import {
  hasRecordsElsewhere,
  openOwnJournal,
  takeAbandonedJournals,
  type Journal,
  type JournalTrouble,
} from '../../../kit/journal/index.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { Log } from '../../../kit/log.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import { AppError } from '../errors.ts'
import { decodeEntry, encodeEntry, type KeptEntry, type NewEntry } from './entries.ts'
import { copyIfAsked } from './journal-copies.ts'
import { WaitingEntries } from './waiting-entries.ts'

/** Of one process: hours of what a busy instance is asked to keep. */
export const JOURNAL_MAX_BYTES = 256 * 1024 ** 2
/** Nobody does more by hand in an outage; a program must not fill the room of all, nor hold up the way back. */
export const ENTRIES_OF_ONE_MAX = 2_000
/** How often is looked whether it can be written (again), and whether somebody has died. */
const TEND_INTERVAL_MS = 1_000
const RETRY_AFTER_S = 5
const REMOVE_INTERVAL_MS = 1_000
/** Only the return of the database makes room. */
const FULL_RETRY_AFTER_S = 60

export interface KeepOptions {
  /** The part of the journal's room that entries of this kind may fill. @default 1 */
  readonly roomShare?: number
}

export interface EntryJournalOptions {
  /** The folder of all processes' journals. */
  readonly root: string
  readonly asideFolder: string
  readonly clock: Clock
  readonly log: Log
  newId(): string
  /** @default JOURNAL_MAX_BYTES */
  readonly maxBytes?: number
}

export interface SettledCounts {
  done: number
  void: number
  superseded: number
  'set-aside': number
}

/** Opens it; what dead processes have left is known when it returns. It never fails: see `isWritable`. */
export async function openEntryJournal(options: EntryJournalOptions): Promise<EntryJournal> {
  const journal = new EntryJournal(options)
  await journal.tend()
  return journal
}

export class EntryJournal implements AsyncDisposable {
  /** Since the start. */
  readonly settled: SettledCounts = { done: 0, void: 0, superseded: 0, 'set-aside': 0 }
  readonly #options: EntryJournalOptions
  #own: Journal | null = null
  readonly #taken: Journal[] = []
  readonly #waiting = new WaitingEntries()
  #hasElsewhere = false
  /** Folders that could not be taken up, and are tried again; until then everybody's acts are kept in their order. */
  readonly #unreadable = new Set<string>()
  #settledCount = 0
  #lastAtMs = 0
  #removedAtMs = -Infinity
  #lastTrouble: string | null = null
  readonly #tending: AsyncDisposable
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: EntryJournalOptions) {
    this.#options = options
    this.#tending = startRepeating({
      intervalMs: TEND_INTERVAL_MS,
      work: () => this.tend(),
      onError: (error) => this.#tellOnce('journal.tending-failed', error),
    })
  }

  /** Entries that this process has to settle. */
  pending(): number {
    return this.#waiting.count
  }

  get sizeBytes(): number {
    return this.#journals().reduce((sum, journal) => sum + journal.sizeBytes, 0)
  }

  /** Of the entry that waits longest; null: none waits. */
  get oldestAgeMs(): number | null {
    const { oldestAtMs } = this.#waiting
    return oldestAtMs === null ? null : Math.max(0, this.#options.clock.now().getTime() - oldestAtMs)
  }

  /** When the entry that waits longest was kept; null: none waits. */
  get oldestAtMs(): number | null {
    return this.#waiting.oldestAtMs
  }

  get isWritable(): boolean {
    return this.#own?.isWritable ?? false
  }

  /**
   * Whether what this actor does now has to be kept, because something that they did before is: a like, then its taking
   * back. True for everybody while another process has entries, of which nobody here knows whose they are.
   */
  mustFollow(actor: string): boolean {
    return this.#hasElsewhere || this.#waiting.hasOf(actor)
  }

  /**
   * Writes an entry down; returns when it is durable. One that repeats another, be it settled lately, gets that.
   *
   * @throws {AppError} journal-unwritable, or too-many-requests once ENTRIES_OF_ONE_MAX of the actor wait: it is not kept.
   */
  async keep(entry: NewEntry, { roomShare = 1 }: KeepOptions = {}): Promise<KeptEntry> {
    const { repeat } = entry
    if (repeat === null) return this.#append(entry, roomShare)
    const known = this.#waiting.findRepeated(repeat)
    if (known) return known
    const keeping = this.#append(entry, roomShare)
    this.#waiting.noteRepeatable(repeat, keeping)
    return keeping
  }

  /** Waits until the entry is settled, but no longer than that. */
  async waitForSettling({ id, actor }: KeptEntry, mostMs: number): Promise<void> {
    if (!this.#waiting.hasOf(actor)) return
    const settled = Promise.withResolvers<void>()
    const stop = this.#waiting.watch(id, settled.resolve)
    const timer = setTimeout(settled.resolve, mostMs)
    await settled.promise
    clearTimeout(timer)
    stop()
  }

  /** Where entries wait: what the dead have left before our own. */
  sources(): readonly Journal[] {
    return this.#journals().filter((journal) => this.#waiting.countOf(journal) > 0)
  }

  /** Whether the entry is settled, though it is still in the file. */
  isSettled(journal: Journal, sequence: number): boolean {
    return this.#waiting.isSettled(journal, sequence)
  }

  /** The entry is settled in the database: its actor goes on directly, if it was the last. */
  noteSettled(journal: Journal, sequence: number): void {
    this.#settledCount += 1
    this.#waiting.settle(journal, sequence)
  }

  /** Entries settled since the start, those that were known to be included. */
  get settledCount(): number {
    return this.#settledCount
  }

  /** In the log once. */
  tellUnreadable(folder: string, error: unknown): void {
    if (!this.#unreadable.has(folder)) this.#options.log.error({ err: error, folder }, 'journal.unreadable')
    this.#unreadable.add(folder)
  }

  /**
   * Every entry of the journal up to this one is settled. Files are told now and then, and when none waits: what is read
   * again is known by the database. A dead process's journal ends with its last.
   */
  async removeUpTo(journal: Journal, sequence: number): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs()
    const isLast = this.#waiting.countOf(journal) === 0
    if (!isLast && nowMs - this.#removedAtMs < REMOVE_INTERVAL_MS) return
    this.#removedAtMs = nowMs
    await journal.markDone(sequence)
    this.#waiting.forgetUpTo(journal, sequence)
    if (journal === this.#own || journal.pendingCount > 0) return
    this.#taken.splice(this.#taken.indexOf(journal), 1)
    this.#waiting.forget(journal)
    await journal[Symbol.asyncDispose]()
  }

  /** Takes up what the dead have left, and finds out whether our own can be written. */
  tend(): Promise<void> {
    const tended = this.#turn.then(() => this.#tendNow())
    this.#turn = tended.catch(() => {})
    return tended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tending[Symbol.asyncDispose]()
    await this.#turn
    for (const journal of this.#journals()) await journal[Symbol.asyncDispose]()
  }

  #journals(): Journal[] {
    return this.#own ? [...this.#taken, this.#own] : this.#taken
  }

  async #append(entry: NewEntry, roomShare: number): Promise<KeptEntry> {
    const own = this.#own
    if (!own) throw this.#refusal('It could not be opened.', null)
    if (this.#waiting.countOfActor(entry.actor) >= ENTRIES_OF_ONE_MAX)
      throw new AppError('too-many-requests', {
        detail: `At most ${ENTRIES_OF_ONE_MAX} things that one person did are kept at a time.`,
        retryAfterS: FULL_RETRY_AFTER_S,
      })
    if (own.sizeBytes > roomShare * own.maxBytes) throw this.#refusal('It has no more room for this.', null)
    // Of two entries the later never has the earlier time, even when the clock is set back.
    this.#lastAtMs = Math.max(this.#lastAtMs, this.#options.clock.now().getTime())
    const kept: KeptEntry = { ...entry, id: this.#options.newId(), at: new Date(this.#lastAtMs) }
    this.#waiting.begin(entry.actor)
    try {
      const sequence = await own.append(encodeEntry(kept))
      this.#waiting.add(own, sequence, kept)
      return kept
    } catch (error) {
      this.#waiting.end(entry.actor)
      this.#tellOnce('journal.unwritable', error)
      throw this.#refusal((error as Error).message, error)
    }
  }

  #refusal(detail: string, cause: unknown): AppError {
    return new AppError('journal-unwritable', { detail, retryAfterS: RETRY_AFTER_S, cause })
  }

  async #tendNow(): Promise<void> {
    const { root, asideFolder, maxBytes = JOURNAL_MAX_BYTES, log } = this.#options
    const onTrouble = (trouble: JournalTrouble) => {
      if (trouble.kind === 'torn') log.info(trouble, 'journal.torn')
      else log.error(trouble, 'journal.damaged')
    }
    const beforeRemoval = (path: string) => copyIfAsked(root, path)
    const options = { root, asideFolder, maxBytes, onTrouble, beforeRemoval }
    const tell = (folder: string, error: unknown) => this.tellUnreadable(folder, error)
    const mine = () => this.#journals().map((journal) => journal.folder)
    try {
      for (const journal of await takeAbandonedJournals(options, mine(), tell)) await this.#takeUp(journal)
      if (this.#own === null) this.#own = await openOwnJournal(options)
      else if (!this.#own.isWritable) await this.#own.probe()
      this.#hasElsewhere = await hasRecordsElsewhere(root, mine())
      if (this.isWritable) this.#lastTrouble = null
    } catch (error) {
      this.#tellOnce('journal.unwritable', error)
    }
  }

  async #takeUp(journal: Journal): Promise<void> {
    if (journal.pendingCount === 0) return journal[Symbol.asyncDispose]()
    this.#options.log.info({ entries: journal.pendingCount }, 'journal.taken-up')
    for await (const { sequence, payload } of journal.read()) {
      const entry = decodeEntry(payload)
      this.#waiting.add(journal, sequence, entry)
      if (entry === null) continue
      this.#waiting.begin(entry.actor)
      if (entry.repeat !== null) this.#waiting.noteRepeatable(entry.repeat, Promise.resolve(entry))
    }
    this.#taken.push(journal)
  }

  /** The same trouble is in the log once until it is over. */
  #tellOnce(what: string, error: unknown): void {
    const trouble = `${what} ${(error as Error).message}`
    if (trouble === this.#lastTrouble) return
    this.#lastTrouble = trouble
    this.#options.log.error({ err: error }, what)
  }
}
