/** The outcome of a ranking, packed: thousands of them are kept in memory, and few of their items are ever looked at. */
import {
  PART_COUNT,
  PART_NAMES,
  REASON_CODES,
  type PartName,
  type RankedItem,
  type ReasonCode,
} from './types.ts'

/** Parts are kept in thousandths of a point. */
const STEPS_PER_POINT = 1000

export interface PackedRanking {
  readonly videoIds: readonly string[]
  /** Index into `REASON_CODES`, one an item. */
  readonly reasons: Uint8Array
  /** `PART_COUNT` an item, in thousandths of a point. */
  readonly parts: Int16Array
  /** Tags of the reasons, each once. */
  readonly tagNames: readonly string[]
  /** By item: 1 + the index of its reason's tag in `tagNames`; 0 where the reason has none. */
  readonly tagAt: Uint16Array
}

export class Ranking {
  readonly packed: PackedRanking

  constructor(packed: PackedRanking) {
    this.packed = packed
  }

  get length(): number {
    return this.packed.videoIds.length
  }

  get videoIds(): readonly string[] {
    return this.packed.videoIds
  }

  /** @throws {RangeError} when there is no such position. */
  item(position: number): RankedItem {
    const videoId = this.packed.videoIds[position]
    if (videoId === undefined) throw new RangeError(`no item at position ${position} of ${this.length}`)
    const parts = {} as Record<PartName, number>
    let steps = 0
    for (let part = 0; part < PART_COUNT; part++) {
      const value = this.packed.parts[position * PART_COUNT + part]!
      parts[PART_NAMES[part]!] = value / STEPS_PER_POINT
      steps += value
    }
    const reason = { code: this.reasonCode(position), tag: this.tagOf(position) }
    return { videoId, score: steps / STEPS_PER_POINT, parts, reason }
  }

  reasonCode(position: number): ReasonCode {
    return REASON_CODES[this.packed.reasons[position] ?? 0] ?? 'fresh'
  }

  /** The tag of the reason; null when it has none. */
  tagOf(position: number): string | null {
    return this.packed.tagNames[(this.packed.tagAt[position] ?? 0) - 1] ?? null
  }

  items(): RankedItem[] {
    return this.packed.videoIds.map((_, position) => this.item(position))
  }
}

/** Writes parts at a position of a ranking in the making. */
export function packParts(into: Int16Array, position: number, parts: Float32Array): void {
  for (let part = 0; part < PART_COUNT; part++)
    into[position * PART_COUNT + part] = Math.round(parts[part]! * STEPS_PER_POINT)
}
