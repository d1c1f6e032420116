/** Gathers fragments into segments: an encoded one is a segment by itself; a copied source's groups of pictures are joined. */
import type { Fragment } from './fragments.ts'
import { SEGMENT_S } from './plan.ts'

export interface Segment {
  /** What the file consists of, in order: not put together, for there is a video's worth of it. */
  readonly parts: readonly Uint8Array[]
  readonly startTicks: number
  readonly durationTicks: number
}

export interface Segmenter {
  /** Takes a fragment; gives the segment that it completes, if any. */
  push(fragment: Fragment): Segment | null
  /** Gives what is left at the end. */
  end(): Segment | null
  /** Whether every segment given so far could be decoded by itself. */
  readonly isIndependent: boolean
}

/** @param timescale ticks a second. */
export function createSegmenter(timescale: number): Segmenter {
  // A group of 1.9 s is a segment; waiting for the next would double the time to the first picture.
  const enoughTicks = SEGMENT_S * 0.9 * timescale
  let held: Fragment[] = []
  let heldTicks = 0
  let isIndependent = true

  function take(): Segment | null {
    const [first] = held
    if (!first) return null
    const segment = {
      parts: held.flatMap((fragment) => fragment.parts),
      startTicks: first.startTicks,
      durationTicks: heldTicks,
    }
    isIndependent &&= first.isIndependent
    held = []
    heldTicks = 0
    return segment
  }

  return {
    push(fragment) {
      held.push(fragment)
      heldTicks += fragment.durationTicks
      return heldTicks >= enoughTicks ? take() : null
    },
    end: take,
    get isIndependent() {
      return isIndependent
    },
  }
}

/** `00007.m4s` */
export const segmentName = (index: number): string => `${String(index).padStart(5, '0')}.m4s`
export const INIT_NAME = 'init.mp4'
