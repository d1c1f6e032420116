/**
 * Manifests of the videos that are new or watched, so that they can be played from disk alone: each is read once, and
 * again when it changed.
 */
import type { Ctx } from '../../app/context.ts'
import { ID_BYTES, idBytes, PLACE_BYTES, type StandbyMedia } from '../../app/standby/index.ts'
import { listMedia, type MediaRow } from './standby.queries.ts'
import type { StandbySizes } from './sizes.ts'

/** Of a file's checksum: what its entity tag is made of (delivery). */
const SUM_CHARACTERS = 32

export class Media {
  readonly #ctx: Ctx
  readonly #sizes: StandbySizes
  /** Null: nothing of it may be played by everyone. */
  readonly #records = new Map<string, Buffer | null>()

  constructor(ctx: Ctx, sizes: StandbySizes) {
    this.#ctx = ctx
    this.#sizes = sizes
  }

  /** The video changed. */
  drop(videoId: string): void {
    this.#records.delete(videoId)
  }

  /** Changes may have been missed. */
  forget(): void {
    this.#records.clear()
  }

  /**
   * Reads what is missing of these, the most important first, a bounded number a round.
   *
   * @returns whether all of them are known.
   */
  async read(wanted: readonly string[]): Promise<boolean> {
    const keep = new Set(wanted)
    for (const id of this.#records.keys()) if (!keep.has(id)) this.drop(id)
    const missing = wanted.filter((id) => !this.#records.has(id))
    const round = missing.slice(0, this.#sizes.mediaRound)
    if (round.length === 0) return true
    const rows = new Map((await listMedia(this.#ctx.db, round)).map((row) => [row.id, row]))
    for (const id of round) {
      const row = rows.get(id)
      this.#records.set(id, row ? Buffer.from(JSON.stringify(toMedia(row))) : null)
    }
    return missing.length === round.length
  }

  /** As they go to the shelf, in the order of their ids; of the most important as many as there is room for. */
  take(wanted: readonly string[]): { places: Buffer; records: Buffer } {
    const fitting: string[] = []
    let sizeBytes = 0
    for (const id of wanted) {
      const length = this.#records.get(id)?.length ?? 0
      if (length === 0 || sizeBytes + length > this.#sizes.mediaBytes) continue
      sizeBytes += length
      fitting.push(id)
    }
    const records: Buffer[] = []
    const places: Buffer[] = []
    let at = 0
    for (const id of fitting.sort()) {
      const record = this.#records.get(id)!
      const place = Buffer.alloc(PLACE_BYTES)
      idBytes(id).copy(place)
      place.writeUInt32BE(at, ID_BYTES)
      place.writeUInt32BE(record.length, ID_BYTES + 4)
      places.push(place)
      records.push(record)
      at += record.length
    }
    return { places: Buffer.concat(places), records: Buffer.concat(records) }
  }
}

function toMedia({ posterVersion, previewVersion, generations }: MediaRow): StandbyMedia {
  return {
    posterVersion,
    previewVersion,
    generations: generations.map(({ manifest, isGrowing }) => ({
      manifest: JSON.parse(JSON.stringify(manifest, shortenSum)),
      isGrowing,
    })),
  }
}

const shortenSum = (key: string, value: unknown): unknown =>
  key === 'sha256' && typeof value === 'string' ? value.slice(0, SUM_CHARACTERS) : value
