/** Who comes from an address, or the /64 that it lies in: what decides who is taken first where many wait. */

/** The best first. `known`: people known to us; `proven`: somebody who has proved work. */
export const HOMES = ['known', 'proven'] as const
export type Home = (typeof HOMES)[number]
export type Standing = Home | 'stranger'
export const STANDINGS: readonly Standing[] = [...HOMES, 'stranger']

export interface LineStanding {
  readonly line: string
  readonly standing: Home
}

/** How long it is remembered of a line: a day, and as long as a proof is good. */
export const STANDING_MS: Readonly<Record<Home, number>> = { known: 24 * 3_600_000, proven: 30 * 60_000 }
