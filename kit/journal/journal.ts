/**
 * An append-only journal in files: what it has acknowledged is there after a SIGKILL and after a power cut.
 *
 * One folder, one writer (held by a file lock). An append resolves after the fdatasync that covers it; all appends that
 * come while one is under way share the next. Readers see what is durable and nothing else.
 */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '../files/durable-file.ts'
import { takeFileLock } from '../files/file-lock.ts'
import { JournalFullError, JournalInUseError, JournalUnwritableError } from './errors.ts'
import {
  appendAll,
  createSegment,
  listSegments,
  readSegment,
  recoverSegment,
  type ActiveSegment,
  type JournalTrouble,
  type Segment,
} from './segment-files.ts'
import { encodeRecord, HEADER_BYTES, RECORD_HEADER_BYTES, scanSegment } from './segment-format.ts'

export interface JournalOptions {
  /** Made when missing, unless `mustExist`. */
  readonly folder: string
  /** @default false */
  readonly mustExist?: boolean
  /** Of all its segments; a journal that is full refuses. @default 256 MiB */
  readonly maxBytes?: number
  /** From this size on the next group of records begins a new segment. @default 4 MiB */
  readonly segmentBytes?: number
  /** Of one payload. @default 64 KiB */
  readonly recordMaxBytes?: number
  /** Where bytes go that can't be read. @default `aside` in the folder */
  readonly asideFolder?: string
  readonly onTrouble?: (trouble: JournalTrouble) => void
  /** Records of this segment, all done, are about to leave the disk. Where it throws they stay. */
  readonly beforeRemoval?: (path: string) => Promise<void>
}

export interface JournalRecord {
  /** Grows from record to record; not every number is used. */
  readonly sequence: number
  readonly payload: Buffer
}

/** What one fdatasync covers at most. */
const GROUP_MAX_BYTES = 1024 * 1024
const LOCK_NAME = 'lock'
const POSITION_NAME = 'position.json'

interface Waiting {
  readonly payload: Uint8Array
  readonly resolve: (sequence: number) => void
  readonly reject: (error: Error) => void
}

/**
 * Opens a journal and recovers what an earlier process left in it.
 *
 * @throws {JournalInUseError} when another writer has it.
 * @throws when the folder can't be made, or what is in it can't be read. A folder that can't be *written* opens: see `isWritable`.
 */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { folder, mustExist = false } = options
  if (!mustExist) await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = takeFileLock(join(folder, LOCK_NAME))
  if (!lock) throw new JournalInUseError(folder)
  try {
    const doneBefore = await readPosition(folder)
    const segments: Segment[] = []
    const pending: number[] = []
    for (const id of await listSegments(folder)) {
      const asideFolder = options.asideFolder ?? join(folder, 'aside')
      const found = await recoverSegment(id, asideFolder, options.onTrouble ?? (() => {}))
      if (!found) continue
      segments.push(found.segment)
      for (const sequence of found.sequences) if (sequence >= doneBefore) pending.push(sequence)
    }
    const journal = new Journal(options, lock, { segments, pending, doneBefore })
    await journal.probe()
    return journal
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
}

/** Everything below this sequence is done. */
async function readPosition(folder: string): Promise<number> {
  const text = await readFile(join(folder, POSITION_NAME), 'utf8').catch(() => '{}')
  try {
    const { next } = JSON.parse(text) as { next?: unknown }
    return Number.isSafeInteger(next) ? (next as number) : 0
  } catch {
    // Read again from the beginning: what reads a journal bears to meet a record twice.
    return 0
  }
}

export class Journal implements AsyncDisposable {
  readonly folder: string
  readonly #limits: {
    readonly maxBytes: number
    readonly segmentBytes: number
    readonly recordMaxBytes: number
  }
  readonly #beforeRemoval: (path: string) => Promise<void>
  readonly #lock: Disposable
  /** Oldest first; the active one is the last. */
  readonly #segments: Segment[]
  /** Sequences of durable records that are not done, ascending. */
  readonly #pending: number[]
  #active: ActiveSegment | null = null
  #nextSequence: number
  #doneBefore: number
  #failure: unknown = null
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #flushing: Promise<void> | null = null
  #isClosed = false
  /** What writes or removes files happens one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    options: JournalOptions,
    lock: Disposable,
    found: { readonly segments: Segment[]; readonly pending: number[]; readonly doneBefore: number },
  ) {
    const {
      folder,
      maxBytes = 256 * 1024 ** 2,
      segmentBytes = 4 * 1024 ** 2,
      recordMaxBytes = 64 * 1024,
    } = options
    this.folder = folder
    this.#limits = { maxBytes, segmentBytes, recordMaxBytes }
    this.#beforeRemoval = options.beforeRemoval ?? (async () => {})
    this.#lock = lock
    this.#segments = found.segments
    this.#pending = found.pending
    this.#doneBefore = found.doneBefore
    const used = found.segments.map((segment) => Math.max(segment.firstSequence, segment.lastSequence))
    this.#nextSequence = Math.max(0, found.doneBefore - 1, ...used) + 1
  }

  /** Records that are durable and not done. */
  get pendingCount(): number {
    return this.#pending.length
  }

  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  get maxBytes(): number {
    return this.#limits.maxBytes
  }

  /** Whether the last write succeeded and there is room; see `probe`. */
  get isWritable(): boolean {
    return !this.#isClosed && this.#failure === null && this.sizeBytes < this.#limits.maxBytes
  }

  /**
   * Appends a record; resolves, with its sequence, when it is durable.
   *
   * @throws {JournalFullError | JournalUnwritableError} the record is not kept.
   * @throws {RangeError} when the payload is larger than `recordMaxBytes`.
   */
  append(payload: Uint8Array | string): Promise<number> {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    const { maxBytes, recordMaxBytes } = this.#limits
    if (bytes.length > recordMaxBytes)
      return Promise.reject(new RangeError(`A record has at most ${recordMaxBytes} bytes.`))
    if (this.#isClosed) return Promise.reject(new JournalUnwritableError(new Error('It is closed.')))
    const takesBytes = bytes.length + RECORD_HEADER_BYTES
    if (this.sizeBytes + this.#waitingBytes + takesBytes > maxBytes)
      return Promise.reject(new JournalFullError(maxBytes))
    this.#waitingBytes += takesBytes
    return new Promise((resolve, reject) => {
      this.#waiting.push({ payload: bytes, resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  /** The durable records that are not done, in their order. One that is appended meanwhile may come, or not. */
  async *read(): AsyncGenerator<JournalRecord> {
    for (const segment of [...this.#segments]) {
      // What was done since the look may be gone by now, and the journal with it.
      if (this.#pending.length === 0) return
      if (segment.lastSequence < this.#doneBefore || segment.sizeBytes === HEADER_BYTES) continue
      for (const found of scanSegment(await readSegment(segment), segment.salt))
        if (found.kind === 'record' && found.sequence >= this.#doneBefore)
          yield { sequence: found.sequence, payload: found.payload }
    }
  }

  /**
   * Says that every record up to this sequence is done: none of them is read again, and segments without others are
   * removed. The position is durable when it returns; where the disk refuses it, records may be read again after a restart.
   */
  async markDone(sequence: number): Promise<void> {
    if (sequence < this.#doneBefore) return
    this.#doneBefore = sequence + 1
    const left = this.#pending.findIndex((one) => one > sequence)
    this.#pending.splice(0, left < 0 ? this.#pending.length : left)
    await this.#inTurn(async () => {
      await this.#removeDone()
      // Nothing lower is left on the disk, so there is nothing that a position would have to say.
      if (this.#pending.length > 0)
        await writeWhole(join(this.folder, POSITION_NAME), JSON.stringify({ next: this.#doneBefore }))
    }).catch((error: unknown) => this.#noteFailure(error))
  }

  /** Finds out whether the journal can be written (again). */
  async probe(): Promise<boolean> {
    await this.#inTurn(async () => {
      if (this.#active) await this.#active.file.datasync()
      else await this.#beginSegment()
      this.#failure = null
    }).catch((error: unknown) => this.#noteFailure(error))
    return this.isWritable
  }

  /** Ends what is under way, and gives the folder back; one in which nothing waits is removed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#flushing
    await this.#inTurn(async () => {
      await this.#active?.file.close()
      if (this.#pending.length === 0) await rm(this.folder, { recursive: true, force: true })
    }).catch(() => {})
    this.#lock[Symbol.dispose]()
  }

  async #flush(): Promise<void> {
    // What is appended in the same turn of the event loop goes into one group.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      await this.#inTurn(() => this.#write(group)).catch((error: unknown) => {
        this.#noteFailure(error)
        for (const one of group) one.reject(new JournalUnwritableError(error))
      })
    }
    this.#flushing = null
  }

  #takeGroup(): Waiting[] {
    let [count, bytes] = [0, 0]
    while (count < this.#waiting.length && bytes < GROUP_MAX_BYTES)
      bytes += this.#waiting[count++]!.payload.length + RECORD_HEADER_BYTES
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, count)
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    if (this.#active && this.#active.segment.sizeBytes >= this.#limits.segmentBytes) await this.#endSegment()
    const { segment, file } = this.#active ?? (await this.#beginSegment())
    const first = this.#nextSequence
    const bytes = Buffer.concat(group.map(({ payload }, i) => encodeRecord(segment.salt, first + i, payload)))
    // A sequence is never used twice: what could not be taken back may still lie on the disk.
    this.#nextSequence += group.length
    try {
      await appendAll(file, bytes)
      await file.datasync()
    } catch (error) {
      // After a failed fdatasync nobody knows which pages are on the disk: this file takes no more.
      await takeBack(file, segment.sizeBytes)
      await this.#endSegment().catch(() => {})
      throw error
    }
    segment.sizeBytes += bytes.length
    segment.lastSequence = first + group.length - 1
    this.#failure = null
    group.forEach((one, i) => {
      this.#pending.push(first + i)
      one.resolve(first + i)
    })
  }

  async #beginSegment(): Promise<ActiveSegment> {
    const active = await createSegment(this.folder, this.#nextSequence)
    this.#segments.push(active.segment)
    this.#active = active
    return active
  }

  async #endSegment(): Promise<void> {
    const ending = this.#active
    this.#active = null
    await ending?.file.close()
  }

  /** Removes segments without a record that is not done; the active one is emptied, for the next records. */
  async #removeDone(): Promise<void> {
    const active = this.#active
    for (const segment of [...this.#segments]) {
      if (segment.lastSequence >= this.#doneBefore) break
      if (segment === active?.segment) {
        if (segment.sizeBytes === HEADER_BYTES) continue
        await this.#beforeRemoval(segment.path)
        await active.file.truncate(HEADER_BYTES)
        segment.sizeBytes = HEADER_BYTES
        await active.file.datasync()
      } else {
        if (segment.sizeBytes > HEADER_BYTES) await this.#beforeRemoval(segment.path)
        await rm(segment.path, { force: true })
        this.#segments.splice(this.#segments.indexOf(segment), 1)
      }
    }
  }

  #noteFailure(error: unknown): void {
    this.#failure = error
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work)
    this.#turn = done.catch(() => {})
    return done
  }
}

async function takeBack(file: ActiveSegment['file'], sizeBytes: number): Promise<void> {
  try {
    await file.truncate(sizeBytes)
    await file.datasync()
  } catch {
    // Then it stays: whoever appended it was told that nobody knows.
  }
}
