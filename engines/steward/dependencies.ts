/** What falls when something that Upbeat stands on is away, and when it counts as back. */
import type { Feature, Level, Mode } from './levels.ts'

export const DEPENDENCIES = ['database', 'ingest', 'worker', 'disk', 'blobs', 'journal'] as const
export type Dependency = (typeof DEPENDENCIES)[number]

export interface Fall {
  /** Of the whole; 0: only the features named fall. */
  readonly level: Level
  readonly features: Partial<Record<Feature, Mode>>
}

export const FALLS: Readonly<Record<Dependency, Fall>> = {
  // Who is signed in stays so by an assertion; nobody can be looked up anew.
  database: { level: 4, features: { 'sign-in': 'paused' } },
  ingest: { level: 0, features: { uploads: 'paused' } },
  worker: { level: 0, features: { processing: 'paused', counts: 'cached' } },
  /** No room for what people bring. */
  disk: { level: 0, features: { uploads: 'paused', processing: 'paused' } },
  blobs: { level: 0, features: { playback: 'cached', uploads: 'paused', processing: 'paused' } },
  // What would be kept can't be: steward.ts refuses it then.
  journal: { level: 0, features: {} },
}

/** So long must it be there again before it counts as back: no longer than a person waits gladly. */
const GREEN_MS = 2_000
/** One that comes and goes is believed later each time, up to this. */
const GREEN_MAX_MS = 16_000
/** Whoever stayed for this long is believed at once again. */
const STEADY_MS = 60_000

interface Health {
  isUp: boolean
  changedAtMs: number
  /** Since when it has been seen to be there, while it does not count as back yet. */
  greenSinceMs: number | null
  greenMs: number
  /** It has never been away. */
  isFirst: boolean
}

export interface Dependencies {
  isUp(dependency: Dependency): boolean
  /** What does not count as there, in the order of DEPENDENCIES. */
  away(): readonly Dependency[]
  /** Unknown (null) changes nothing; at the beginning everything counts as there. */
  observe(seen: Partial<Record<Dependency, boolean | null>>, nowMs: number): void
}

/** Away at once; back after a while of being there. */
export function createDependencies(nowMs: number): Dependencies {
  const healths = new Map<Dependency, Health>(
    DEPENDENCIES.map((name) => [
      name,
      { isUp: true, changedAtMs: nowMs, greenSinceMs: null, greenMs: GREEN_MS, isFirst: true },
    ]),
  )
  return {
    isUp: (dependency) => healths.get(dependency)!.isUp,
    away: () => DEPENDENCIES.filter((name) => !healths.get(name)!.isUp),
    observe(seen, atMs) {
      for (const name of DEPENDENCIES) {
        const isSeen = seen[name]
        if (isSeen !== undefined && isSeen !== null) update(healths.get(name)!, isSeen, atMs)
      }
    },
  }
}

function update(health: Health, isSeen: boolean, nowMs: number): void {
  if (!isSeen) {
    health.greenSinceMs = null
    if (!health.isUp) return
    const stayedMs = nowMs - health.changedAtMs
    health.greenMs =
      stayedMs >= STEADY_MS || health.isFirst ? GREEN_MS : Math.min(GREEN_MAX_MS, health.greenMs * 2)
    health.isFirst = false
    health.isUp = false
    health.changedAtMs = nowMs
    return
  }
  if (health.isUp) return
  health.greenSinceMs ??= nowMs
  if (nowMs - health.greenSinceMs < health.greenMs) return
  health.isUp = true
  health.changedAtMs = nowMs
  health.greenSinceMs = null
}
