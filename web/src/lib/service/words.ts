/** What a person reads of a feature that is paused: why, what becomes of their work, and the operator's own words. */
import type { Feature, Problem, Reason } from '#lib/api/types.ts'
import { modeOf, service } from './service.svelte.ts'
import { t } from './texts.ts'

export interface PausedWords {
  readonly title: string
  readonly text: string
}

type Why = 'overload' | 'recovering' | 'operator' | 'maintenance'

/** Of all reasons a person is told four: the rest is the operator's to know. */
export function whyOf(reason: Reason | null): Why {
  return reason === 'overload' || reason === 'operator' || reason === 'maintenance' ? reason : 'recovering'
}

/** "while we recover": why a feature is not on, as a part of a sentence. */
export function whyText(feature: Feature): string {
  return t(`why.${whyOf(service.state?.features[feature].reason ?? null)}`)
}

/** The operator's words on a feature, as a quotation; null: there are none. */
export function noteOf(feature: Feature): string | null {
  const note = service.state?.features[feature].note
  return note ? t('paused.note', { note }) : null
}

/** The feature that a `feature-paused` is about; null: the answer does not name one that we know. */
export function featureOf(problem: Problem): Feature | null {
  const feature = problem.facts?.['feature']
  return typeof feature === 'string' && FEATURES.has(feature) ? (feature as Feature) : null
}

/** A `feature-paused` in this app's words; the server's own for a feature that this app does not know. */
export function wordsOf(problem: Problem): PausedWords {
  const feature = featureOf(problem)
  if (!feature) return { title: problem.title, text: problem.detail }
  const known = service.state?.features[feature]
  const told = (problem.facts?.['reason'] ?? null) as Reason | null
  const why = t(`why.${whyOf(told ?? known?.reason ?? null)}`)
  const what = isFollowingAlone(problem) ? 'following' : feature
  const text = t(`paused.${what}.text`, { why })
  const isFeedHere = ELSEWHERE_THE_FEED.has(feature) && modeOf('feed') !== 'paused'
  return { title: t(`paused.${what}.title`), text: isFeedHere ? `${text} ${t('paused.feedGoesOn')}` : text }
}

/** Pages of their own: who finds one paused is told that there is something to watch, if there is. */
const ELSEWHERE_THE_FEED: ReadonlySet<Feature> = new Set(['search', 'profiles'])

/** Whom one follows can't be looked up, and For You goes on. */
export const isFollowingAlone = ({ code, facts }: Problem): boolean =>
  code === 'feature-paused' && facts?.['list'] === 'following'

const ALL: Readonly<Record<Feature, true>> = {
  playback: true,
  feed: true,
  'sign-in': true,
  reactions: true,
  comments: true,
  counts: true,
  uploads: true,
  search: true,
  suggestions: true,
  profiles: true,
  notifications: true,
  processing: true,
  prefetch: true,
  telemetry: true,
}
const FEATURES: ReadonlySet<string> = new Set(Object.keys(ALL))
/** In the contract's order. */
export const featureNames = Object.keys(ALL) as readonly Feature[]
