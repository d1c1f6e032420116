/**
 * Which of the api's processes a new connection goes to while a release is on trial: the canary (new code), the baseline
 * (old code, started at the same moment) or the present one.
 *
 * A client's address decides, so that all its connections end on one side, and whoever is with the canary stays there while its
 * share grows. Addresses behind which there are many (this machine's own, a proxy's) say nothing: those connections
 * are dealt out evenly.
 */
import { createHash } from 'node:crypto'
import { networkOf } from '../../../kit/network/network-of.ts'

export type Arm = 'present' | 'baseline' | 'canary'

export interface Split {
  /** Of all connections, 0 to 1. The baseline gets as much, as far as there is enough left. */
  setShare(canaryShare: number): void
  /** @param address the client's; undefined: nobody knows */
  armOf(address: string | undefined): Arm
}

export interface SplitOptions {
  /** Another one deals the clients out anew, so that it is not always the same who try what is new. */
  readonly salt: string
  /** Whether many clients come by this address. */
  readonly isShared: (address: string) => boolean
}

/** The golden ratio's fraction: its multiples fill the unit interval as evenly as can be (Weyl's sequence). */
const EVENLY = (Math.sqrt(5) - 1) / 2

/** Begins with nothing for the canary. */
export function createSplit({ salt, isShared }: SplitOptions): Split {
  let share = 0
  let dealt = 0
  const pointOf = (address: string | undefined): number => {
    if (address === undefined || isShared(address)) return (dealt = (dealt + EVENLY) % 1)
    const sum = createHash('sha256').update(salt).update(networkOf(address)).digest()
    return sum.readUInt32BE(0) / 2 ** 32
  }
  return {
    setShare(canaryShare) {
      share = canaryShare
    },
    armOf(address) {
      if (share <= 0) return 'present'
      const point = pointOf(address)
      if (point < share) return 'canary'
      return point >= 1 - Math.min(share, 1 - share) ? 'baseline' : 'present'
    },
  }
}
