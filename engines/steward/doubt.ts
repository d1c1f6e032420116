/**
 * When to doubt who looks rather than what is looked at: everything is rarely gone at one moment, and whoever was asleep
 * saw nothing. What was there before counts as there meanwhile, and the doubt is bounded: a true absence is told in time.
 */
import { DEPENDENCIES, type Dependency } from './dependencies.ts'

/** What so many looks at, all of which fail with the same look, have in common is who looks. */
const TOGETHER_MIN = 3
/** Looks come four times a second: with this between two, the process stood still, and its probes with it. */
const STALL_MS = 1_000
/** Senses look once a second and wait for a second: so long after a stall they may still tell of the time before. */
const WAKING_MS = 2_000
/** The longest doubt about one dependency, in time awake. Who looks is right by then, or is all that there is. */
export const DOUBT_MS = 3_000

type Seen = Partial<Record<Dependency, boolean | null>>

interface Doubt {
  /** What is doubted at present, in the order of DEPENDENCIES. */
  readonly doubted: readonly Dependency[]
  /** What is to be believed of a look: what is doubted becomes unknown. */
  weigh(seen: Seen, nowMs: number): Seen
}

/** Begins without anything that has been seen to be there, and so without doubt. */
export function createDoubt(): Doubt {
  /** What was there when it was last looked at. */
  const there = new Set<Dependency>()
  /** For how long each has been doubted. */
  const doubts = new Map<Dependency, number>()
  let lookedAtMs: number | null = null
  let wakingMs = 0

  return {
    get doubted() {
      return DEPENDENCIES.filter((name) => doubts.has(name))
    },
    weigh(seen, nowMs) {
      const sinceMs = lookedAtMs === null ? 0 : nowMs - lookedAtMs
      lookedAtMs = nowMs
      wakingMs = sinceMs >= STALL_MS ? WAKING_MS : Math.max(0, wakingMs - sinceMs)
      // The time asleep is no time in which anything could be seen.
      for (const [name, ms] of doubts) doubts.set(name, ms + Math.min(sinceMs, STALL_MS))

      const known = DEPENDENCIES.filter((name) => typeof seen[name] === 'boolean')
      const fallen = known.filter((name) => seen[name] === false && there.has(name))
      const isAll = fallen.length >= TOGETHER_MIN && known.every((name) => seen[name] === false)
      if (isAll || wakingMs > 0) for (const name of fallen) if (!doubts.has(name)) doubts.set(name, 0)
      for (const name of known) {
        if (seen[name]) there.add(name)
        else there.delete(name)
      }
      for (const [name, ms] of doubts) if (seen[name] || ms >= DOUBT_MS) doubts.delete(name)
      if (doubts.size === 0) return seen
      return { ...seen, ...Object.fromEntries([...doubts.keys()].map((name) => [name, null])) }
    },
  }
}
