/**
 * How the service fares, as its answers tell: the level in a header of each, the rest by `GET /state`, asked for by
 * `follow-state.ts`, which is loaded once there is something to follow.
 */
import type { Feature, FeatureMode, Limit, ServiceState } from '#lib/api/types.ts'

export const LEVEL_HEADER: Limit<'LEVEL_HEADER'> = 'upbeat-level'

/** What the service says of itself, and by which of its addresses it was heard where its own did not answer. */
export type StateHere = ServiceState & { readonly reachedBy?: string }

interface Service {
  /** Of the newest answer; null: no answer has told it yet. */
  level: number | null
  /** Null until it was worth asking for. */
  state: StateHere | null
  /** The last question for it had no answer. */
  isSilent: boolean
  /** The server serves this build no longer. */
  isTooOld: boolean
}

export const service = $state<Service>({ level: null, state: null, isSilent: false, isTooOld: false })

/** What a feature can do now. What nobody has told yet counts as on: the answers themselves say otherwise. */
export function modeOf(feature: Feature): FeatureMode {
  return service.state?.features[feature].mode ?? 'on'
}

/** Notes what the answer to a request says of the level. */
export function noteLevel(header: string | null): void {
  if (header === null || !/^[0-5]$/.test(header)) return
  const level = Number(header)
  const before = service.level
  service.level = level
  service.isSilent = false
  if (level === (service.state?.level ?? before ?? 0)) return
  // The answer may be that of the state itself, which is taken in meanwhile.
  withFollower((follow) => {
    if (service.level === service.state?.level) return
    // A page that has just been opened shows things of which it does not know yet whether they are paused.
    if (before === null) follow.lookNow()
    else follow.lookSoon()
  })
}

/** Asks how the service is, soon: something showed that it is not as it was. */
export const lookSoon = (): void => withFollower((follow) => follow.lookSoon())

/** Begins to follow the state, calmly while all is well. */
export const followState = (): void => withFollower((follow) => follow.lookNow())

interface Follower {
  lookSoon(): void
  lookNow(): void
}
let load: (() => Promise<Follower>) | null = null

/** Names who follows the state; it is loaded once there is something to follow. */
export function setFollower(loadFollower: () => Promise<Follower>): void {
  load = loadFollower
}

function withFollower(run: (follow: Follower) => unknown): void {
  // Without it nothing is known of the features: each answer says by itself what it is.
  load?.().then(run, () => {})
}
