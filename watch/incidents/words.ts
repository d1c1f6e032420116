/** What incidents are called and what their updates say: templates in plain words, one place, so that all channels agree. */
import type { Cause, Forecast, OutageState, SignalKind } from '../../engines/detect/types.ts'
import { declaredWords, type Declared } from './declared.ts'
import type { IncidentView } from './views.ts'

/** An incident as far as words need it. */
export interface Wording {
  /** As people call them, in the catalogue's order. */
  readonly features: readonly string[]
  /** Names of the regions that are hit; empty: all of them. */
  readonly regions: readonly string[]
  readonly cause: Cause
  /** 0 to 1. */
  readonly causeProbability: number
  readonly isCauseByOperator: boolean
  readonly contributions: Readonly<Partial<Record<SignalKind, number>>>
  /** How the service itself says that it works; missing: it says nothing of it. */
  readonly declared?: Declared | null | undefined
  readonly startedAtMs: number
  readonly recovered: { readonly cells: number; readonly of: number }
  /** What remains, in milliseconds; null: unknown. */
  readonly forecast: Forecast | null
}

const NAMES_SHOWN = 4
/** Below this a cause is not named to people: better none than a wrong one. */
export const CAUSE_NAMED_FROM = 0.5

/** "Upload and Sign-in do not work in Europe". */
export function titleOf(wording: Wording): string {
  const verb = isOne(wording.features) ? 'does not work' : 'do not work'
  return `${joinNames(wording.features)} ${verb}${inRegions(wording.regions)}`
}

/**
 * Whether the verb after these names stands in the singular: "Search works", "Comments work", "Playing videos works". Names are
 * the catalogue's, so that only English tells: an ending "s" that is no "ss", "us" or "is", or two things joined by "and".
 */
export function isOne(names: readonly string[]): boolean {
  const [name] = names
  if (names.length !== 1) return names.length === 0
  if (/ (?:and|&) /.test(name!)) return false
  const isAnAct = /^\w+ing\b/.test(name!)
  return isAnAct || !/[^sui]s$/.test(name!)
}

export const CAUSE_WORDS: Record<Cause, string> = {
  overload: 'more requests than the service can take',
  rollout: 'a change that was just rolled out',
  edge: 'a fault at the caches that deliver it (edge or CDN)',
  dns: 'a fault in name resolution (DNS)',
  network: 'a fault at a network or provider on the way',
  attack: 'an attack',
  policy: 'a closure or a block by decision, not a fault',
  maintenance: 'maintenance',
  local: 'something local to those affected, not the service',
  unknown: 'not known yet',
}

const SIGNAL_WORDS: Record<SignalKind, string> = {
  reports: 'reports by people',
  probes: 'our own checks',
  traffic: 'the traffic of the service',
  chatter: 'mentions on social networks',
  word: 'the service’s own page',
}

/** The body of the update that a change of state makes. */
export function bodyOf(state: OutageState, wording: Wording, atMs: number): string {
  const what = joinNames(wording.features)
  const one = isOne(wording.features)
  const where = inRegions(wording.regions)
  switch (state) {
    case 'suspected':
      return `There are signs that ${what} ${one ? 'does' : 'do'} not work${where}. We are checking.`
    case 'confirmed':
      return `${what} ${one ? 'does' : 'do'} not work${where} since ${clockTime(wording.startedAtMs)}. ${seenBy(wording)} ${causeSentence(wording)}${forecastSentence(wording)}`
    case 'identified':
      return `${causeSentence(wording)} ${what} still ${one ? 'does' : 'do'} not work${where}.${forecastSentence(wording)}`
    case 'mitigating':
      return `${what} ${one ? 'is' : 'are'} getting better${where}: fewer attempts fail than at the worst.${forecastSentence(wording)}`
    case 'recovering':
      return `${what} ${one ? 'is' : 'are'} coming back${where}${partsBack(wording)}. We keep looking until it is stable.`
    case 'resolved':
      return `${what} ${one ? 'works' : 'work'} again${where}. It lasted ${duration(atMs - wording.startedAtMs)}. If something is still wrong for you, load the app once more; then check drafts and scheduled posts.`
  }
}

/** An incident that an operator opened has no parts that were counted. */
const partsBack = ({ recovered }: Wording): string =>
  recovered.of === 0 ? '' : `: ${recovered.cells} of ${recovered.of} affected parts work again`

/** It had been called over, and is not. */
export const relapseBody = (wording: Wording): string =>
  `${joinNames(wording.features)} ${isOne(wording.features) ? 'fails' : 'fail'} again${inRegions(wording.regions)}. ${causeSentence(wording)}`

/** It was never more than suspected, and is over. */
export const unconfirmedBody = (wording: Wording): string =>
  `What looked like a fault of ${joinNames(wording.features)}${inRegions(wording.regions)} did not last and was never confirmed.`

/** Its features were taken out of what is watched. */
export const unwatchedBody = (wording: Wording): string =>
  `${joinNames(wording.features)} ${isOne(wording.features) ? 'is' : 'are'} not watched any more${inRegions(wording.regions)}, so nothing is known of how it ended.`

/** The watch that found it can't say that it is over, and another one can. */
export const endSeenElsewhereBody = ({ features, regions }: Pick<Wording, 'features' | 'regions'>): string =>
  `${joinNames(features)} ${isOne(features) ? 'works' : 'work'} again${inRegions(regions)}. The watch that had found it went silent; another one has seen all of it work since.`

/** More or fewer features or regions than before. */
export const scopeBody = (wording: Wording): string =>
  `Now affected: ${joinNames(wording.features)}${inRegions(wording.regions)}.`

/** The likely cause, how sure the watch is, and who says so. */
export function describeCause(
  incident: Pick<IncidentView, 'cause' | 'causes' | 'isCauseByOperator' | 'declared'>,
): string {
  if (incident.isCauseByOperator) return `Cause: ${CAUSE_WORDS[incident.cause]}, as an operator found.`
  if (incident.declared) return `Cause, in the service’s own words: ${declaredWords(incident.declared)}.`
  const first = incident.causes[0]
  if (incident.cause === 'unknown' || !first) return 'Cause: not known yet.'
  return `Likely cause: ${CAUSE_WORDS[incident.cause]} (${Math.round(first.probability * 100)} % sure).`
}

/** Stands before the advice, on pages and in messages. */
export const ADVICE_LABEL = 'What you can do:'

/** What a person can do meanwhile, in one sentence. */
export function adviceFor(state: OutageState, cause: Cause): string {
  if (state === 'resolved') return 'Load the app once more; then check drafts and scheduled posts.'
  if (state === 'recovering') return 'Try again now and then; what fails at first may work a minute later.'
  switch (cause) {
    case 'network':
      return 'Try another network, for instance mobile data instead of Wi-Fi.'
    case 'dns':
      return 'Try another network or another resolver; clearing the cache does not help.'
    case 'policy':
      return 'This is a decision, not a fault: nothing on your device mends it.'
    case 'local':
      return 'Check your own connection first; others are not affected.'
    case 'maintenance':
      return 'Wait for the end of the window; nothing that you have sent is lost.'
    default:
      return 'Wait, and do not restart or reinstall the app: it is not your device. Drafts stay on it.'
  }
}

/** The service has said why. */
export const declaredBody = (declared: Declared): string =>
  `The service itself says: ${declaredWords(declared)}.`

function causeSentence({ cause, causeProbability, isCauseByOperator, declared }: Wording): string {
  if (isCauseByOperator) return `The cause is ${CAUSE_WORDS[cause]}.`
  if (declared) return declaredBody(declared)
  if (cause === 'unknown' || causeProbability < CAUSE_NAMED_FROM) return 'The cause is not known yet.'
  return `The cause is most likely ${CAUSE_WORDS[cause]} (${Math.round(causeProbability * 100)} %).`
}

function seenBy({ contributions }: Wording): string {
  const kinds = Object.entries(contributions)
    .filter(([, logOdds]) => logOdds > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([kind]) => SIGNAL_WORDS[kind as SignalKind])
  return kinds.length > 0 ? `Shown by ${joinNames(kinds)}.` : ''
}

function forecastSentence({ forecast, declared }: Wording): string {
  // The service has said until when.
  if (!forecast || declared?.untilMs != null) return ''
  return ` ${likeThisOne(forecast)} about ${duration(forecast.medianMs)} more, between ${duration(forecast.lowMs)} and ${duration(forecast.highMs)}.`
}

/** Published figures are no past of this service's own. */
export const likeThisOne = ({ isOfOwnPast = false }: Forecast): string =>
  isOfOwnPast ? 'Outages like this one last' : 'Elsewhere, outages like this one last'

const inRegions = (regions: readonly string[]): string =>
  regions.length > 0 ? ` in ${joinNames(regions)}` : ''

/** "a", "a and b", "a, b and c", "a, b, c, d and 7 more". */
export function joinNames(names: readonly string[]): string {
  if (names.length > NAMES_SHOWN + 1)
    return `${names.slice(0, NAMES_SHOWN).join(', ')} and ${names.length - NAMES_SHOWN} more`
  return names.length < 2 ? (names[0] ?? 'Something') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** "40 seconds", "12 minutes", "3 hours 20 minutes", "2 days". */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000))
  if (seconds < 90) return count(seconds, 'second')
  const minutes = Math.round(seconds / 60)
  if (minutes < 90) return count(minutes, 'minute')
  const hours = Math.floor(minutes / 60)
  if (hours >= 48) return count(Math.round(hours / 24), 'day')
  return minutes % 60 === 0
    ? count(hours, 'hour')
    : `${count(hours, 'hour')} ${count(minutes % 60, 'minute')}`
}

const count = (n: number, unit: string): string => `${n} ${unit}${n === 1 ? '' : 's'}`

/** "14:05 UTC". */
const clockTime = (ms: number): string => `${new Date(ms).toISOString().slice(11, 16)} UTC`
