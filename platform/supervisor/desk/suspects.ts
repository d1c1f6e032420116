/** Which shape of request two deaths within an hour have in common. */
import type { Crash } from '../../app/poison/index.ts'

const WITHIN_MS = 3_600_000
const FIRST_BAR_S = 15 * 60
const LONGEST_BAR_S = 24 * 3_600
/** Deaths that are remembered: more within an hour are not for want of a pair. */
const CRASHES_MAX = 50

export interface Suspect {
  readonly shape: string
  readonly reason: string
  /** How long it is kept out: twice as long each time. */
  readonly forS: number
}

export interface Suspects {
  /** Null: nothing is known well enough to be kept out. */
  note(crash: Crash): Suspect | null
}

/** Remembers the deaths of the last hour. */
export function createSuspects(): Suspects {
  let crashes: Crash[] = []
  const timesBarred = new Map<string, number>()
  return {
    note(crash) {
      const sinceMs = new Date(crash.at).getTime() - WITHIN_MS
      crashes = crashes.filter(({ at }) => new Date(at).getTime() >= sinceMs).slice(-CRASHES_MAX)
      const shape = crashes.map((before) => commonOf(before, crash)).find((it) => it !== null) ?? null
      crashes.push(crash)
      if (shape === null) return null
      const times = timesBarred.get(shape) ?? 0
      timesBarred.set(shape, times + 1)
      return {
        shape,
        reason: `Two processes died of it within an hour: ${crash.reason}`,
        forS: Math.min(FIRST_BAR_S * 2 ** times, LONGEST_BAR_S),
      }
    },
  }
}

/**
 * Whose code threw is known for certain, and the others were merely beside it. Where it is not known of both, what alone was
 * under way at both; several are none, and a whole route is never guessed at.
 */
function commonOf(one: Crash, other: Crash): string | null {
  if (one.running !== null && other.running !== null)
    return one.running === other.running ? one.running : null
  const of = (crash: Crash) => (crash.running === null ? crash.underWay : [crash.running])
  const common = of(one).filter((shape) => of(other).includes(shape))
  return common.length === 1 && isNarrow(common[0]!) ? common[0]! : null
}

/** Names an id, an account or a network, so that it is not everybody's. */
const isNarrow = (shape: string): boolean => / by |[0-9a-f]{8}-[0-9a-f]{4}-/i.test(shape)
