/**
 * Ranking snapshots: an order that was given to somebody, kept until they are through with it.
 *
 * They live in memory and, written a moment later and many at a time, in PostgreSQL, where other processes and the next
 * life of this one find them.
 */
import { PART_COUNT, Ranking, type PackedRanking } from '../../../engines/for-you/index.ts'
import type { Ctx } from '../../app/context.ts'
import { uuidOf } from './cursors.ts'
import * as queries from './feed.queries.ts'
import { LruMap } from './lru.ts'

export const SNAPSHOT_TTL_MS = 6 * 3_600_000
const MEMORY_MAX = 16_000
const WRITE_DELAY_MS = 200
const WRITE_BATCH_MAX = 100
/** Beyond this many unwritten ones the oldest are dropped: the database has been away for long. */
const UNWRITTEN_MAX = 5_000
const ID_BYTES = 16
/** Of what is written to the database: another version's snapshots are as good as gone. */
const FORMAT = 2

export interface Snapshot {
  readonly id: string
  /** Whose it is; null for signed-out visitors. */
  readonly accountId: string | null
  readonly rankedAtMs: number
  readonly ranking: Ranking
  /** Everything that this feed showed before this snapshot. */
  readonly shownBefore: readonly string[]
  /** Where the walk through the rest of the catalogue stands; null while the ranked videos last. */
  readonly archive: ArchivePosition | null
  /** Whether nothing comes after it. */
  readonly isLast: boolean
}

/** The last video taken from the archive. */
export interface ArchivePosition {
  /** As PostgreSQL writes it. */
  readonly publishedAt: string
  readonly videoId: string
}

export class SnapshotStore implements AsyncDisposable {
  readonly #ctx: Ctx
  readonly #memory = new LruMap<string, Snapshot>(MEMORY_MAX)
  #unwritten: Snapshot[] = []
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(ctx: Ctx) {
    this.#ctx = ctx
  }

  keep(snapshot: Snapshot): void {
    this.#memory.set(snapshot.id, snapshot)
    if (this.#unwritten.length >= UNWRITTEN_MAX) this.#unwritten.shift()
    this.#unwritten.push(snapshot)
    this.#timer ??= setTimeout(() => this.#startWriting(), WRITE_DELAY_MS)
  }

  /** The snapshot, from memory or the database; null when it is gone. */
  async find(id: string): Promise<Snapshot | null> {
    const known = this.#memory.get(id)
    if (known) return this.#isAlive(known) ? known : null
    const row = await queries.findSnapshot(this.#ctx.db, id, this.#ctx.clock.now())
    if (!row) return null
    const snapshot = unpackSnapshot(id, row.account_id, row.body)
    if (!snapshot) return null
    this.#memory.set(id, snapshot)
    return snapshot
  }

  /** The snapshot, when it is in memory. */
  peek(id: string): Snapshot | undefined {
    return this.#memory.peek(id)
  }

  /** Waits until everything kept so far is in the database, or could not be written. */
  async flush(): Promise<void> {
    this.#startWriting()
    await this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush()
  }

  #isAlive(snapshot: Snapshot): boolean {
    return this.#ctx.clock.now().getTime() < snapshot.rankedAtMs + SNAPSHOT_TTL_MS
  }

  #startWriting(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#writing = this.#writing.then(() => this.#write())
  }

  async #write(): Promise<void> {
    while (this.#unwritten.length > 0) {
      const batch = this.#unwritten.splice(0, WRITE_BATCH_MAX)
      const rows = batch.map((snapshot) => ({
        id: snapshot.id,
        account_id: snapshot.accountId,
        body: packSnapshot(snapshot),
        expires_at: new Date(snapshot.rankedAtMs + SNAPSHOT_TTL_MS),
      }))
      try {
        await queries.insertSnapshots(this.#ctx.pool, rows)
      } catch (error) {
        // They stay in memory, and their cursors carry what was shown: worth a line, not a failed request.
        this.#ctx.log.warn({ err: error, count: rows.length }, 'feed snapshots were not written')
        return
      }
    }
  }
}

interface Header {
  readonly format: typeof FORMAT
  readonly rankedAtMs: number
  readonly itemCount: number
  readonly tagNames: string[]
  readonly archive: ArchivePosition | null
  readonly isLast: boolean
}

/** Length of the header, the header as JSON, ids, reasons, parts, places of tags, ids shown before. */
export function packSnapshot(snapshot: Snapshot): Buffer {
  const { packed } = snapshot.ranking
  const header: Header = {
    format: FORMAT,
    rankedAtMs: snapshot.rankedAtMs,
    itemCount: packed.videoIds.length,
    tagNames: [...packed.tagNames],
    archive: snapshot.archive,
    isLast: snapshot.isLast,
  }
  const head = Buffer.from(JSON.stringify(header))
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(head.length)
  const parts = Buffer.allocUnsafe(packed.parts.length * 2)
  for (const [at, part] of packed.parts.entries()) parts.writeInt16BE(part, at * 2)
  const tagAt = Buffer.alloc(packed.tagNames.length === 0 ? 0 : packed.videoIds.length * 2)
  for (const [at, place] of packed.tagAt.entries()) tagAt.writeUInt16BE(place, at * 2)
  return Buffer.concat([
    length,
    head,
    packIds(packed.videoIds),
    packed.reasons,
    parts,
    tagAt,
    packIds(snapshot.shownBefore),
  ])
}

/** Null: it was written by another version. */
export function unpackSnapshot(id: string, accountId: string | null, body: Buffer): Snapshot | null {
  let at = 4 + body.readUInt32BE(0)
  const take = (count: number): Buffer => body.subarray(at, (at += count))
  const header = JSON.parse(body.toString('utf8', 4, at)) as Header
  if (header.format !== FORMAT) return null
  const packed: PackedRanking = {
    videoIds: unpackIds(take(header.itemCount * ID_BYTES)),
    reasons: new Uint8Array(take(header.itemCount)),
    parts: unpackParts(take(header.itemCount * PART_COUNT * 2)),
    tagNames: header.tagNames,
    tagAt: unpackPlaces(take(header.tagNames.length === 0 ? 0 : header.itemCount * 2)),
  }
  return {
    id,
    accountId,
    rankedAtMs: header.rankedAtMs,
    ranking: new Ranking(packed),
    shownBefore: unpackIds(body.subarray(at)),
    archive: header.archive,
    isLast: header.isLast,
  }
}

function packIds(ids: readonly string[]): Buffer {
  return Buffer.from(ids.join('').replaceAll('-', ''), 'hex')
}

function unpackIds(bytes: Buffer): string[] {
  const ids: string[] = []
  for (let at = 0; at < bytes.length; at += ID_BYTES) ids.push(uuidOf(bytes.subarray(at, at + ID_BYTES)))
  return ids
}

function unpackParts(bytes: Buffer): Int16Array {
  return Int16Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readInt16BE(at * 2))
}

function unpackPlaces(bytes: Buffer): Uint16Array {
  return Uint16Array.from({ length: bytes.length / 2 }, (_, at) => bytes.readUInt16BE(at * 2))
}
