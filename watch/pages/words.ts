/** States and kinds of evidence as labels: the one place, so that pages, feeds and badges agree. Sentences are in incidents/words.ts. */
import type { ComponentStatus, StatusIndicator } from '../../contract/watch.ts'
import type { CellView, OutageState, SignalKind } from '../../engines/detect/types.ts'
import {
  essentialsOf,
  isOne,
  joinNames,
  type ComponentView,
  type MaintenanceStatus,
  type OfficialWordView,
  type StatusView,
} from '../incidents/index.ts'

export const componentStatusWords: Readonly<Record<ComponentStatus, string>> = {
  operational: 'Working',
  degraded_performance: 'Slow or failing at times',
  partial_outage: 'Partly down',
  major_outage: 'Down',
  under_maintenance: 'Maintenance',
}

export const cellStateWords: Readonly<Record<CellView['state'], string>> = {
  up: 'Working',
  suspected: 'Maybe failing',
  down: 'Down',
  recovering: 'Recovering',
  maintenance: 'Maintenance',
  closed: 'Closed by decision',
  unknown: 'Unknown',
}

export const outageStateWords: Readonly<Record<OutageState, string>> = {
  suspected: 'Suspected',
  confirmed: 'Confirmed',
  identified: 'Cause found',
  mitigating: 'Being mended',
  recovering: 'Recovering',
  resolved: 'Over',
}

export const maintenanceWords: Readonly<Record<MaintenanceStatus, string>> = {
  scheduled: 'Planned',
  in_progress: 'Under way',
  verifying: 'Being checked',
  completed: 'Done',
}

export const signalWords: Readonly<Record<SignalKind, string>> = {
  reports: 'People’s reports',
  probes: 'Our own checks',
  traffic: 'Traffic',
  chatter: 'Open social networks',
  word: 'The service’s own word',
}

export const officialWords: Readonly<Record<OfficialWordView['status'], string>> = {
  operational: 'all is working',
  degraded: 'it is slow or failing at times',
  partial: 'it is partly down',
  major: 'it is down',
  maintenance: 'it is under maintenance',
}

/** What the whole service is like, in a sentence. */
export function indicatorWords(indicator: StatusIndicator): string {
  const words: Record<StatusIndicator, string> = {
    none: 'Everything works',
    minor: 'Some things fail or are slow',
    major: 'Partly down',
    critical: 'It is down',
    maintenance: 'Maintenance is under way',
  }
  return words[indicator]
}

/**
 * The same with what is out and what people can still do: "Partly down: Search and Comments are out; watching works".
 *
 * What people come for is named as working only when all of it does.
 */
export function headlineWords(view: Pick<StatusView, 'indicator' | 'components'>): string {
  const words = indicatorWords(view.indicator)
  const touched = view.components.filter(({ status }) => status !== 'operational')
  if (view.indicator === 'minor' && touched.length > 0 && touched.every(isByItsWord))
    return lessWords(touched)
  if (view.indicator !== 'major') return words
  const out = view.components.filter(({ status }) => status === 'major_outage').map(({ name }) => name)
  const essentials = essentialsOf(view.components).filter(({ essential }) => essential !== null)
  const isWorking = (what: string) =>
    essentials.every((one) => one.essential !== what || one.status === 'operational' || isLessByItsWord(one))
  const working = [...new Set(essentials.map(({ essential }) => essential!))].filter(isWorking)
  const verb = isOne(out) ? 'is' : 'are'
  return (
    `${words}: ${joinNames(out)} ${verb} out` +
    (working.length > 0 ? `; ${joinNames(working)} ${isOne(working) ? 'works' : 'work'}` : '')
  )
}

/** Nothing fails, and the service says itself that it gives less. What is paused is named: it does not work, on purpose. */
function lessWords(touched: readonly ComponentView[]): string {
  const paused = touched.filter(isPausedByItsWord)
  if (paused.length === 0) return 'It works, with less than usual'
  const names = paused.map(({ name }) => name)
  const said = `${joinNames(names)} ${isOne(names) ? 'is' : 'are'} paused`
  return paused.some(({ essential }) => essential !== null) ? said : `It works; ${said}`
}

/** The class that gives the colour of a component, and its words: a suspicion and a lack of evidence show as what they are. */
export function lookOf(
  component: Pick<ComponentView, 'status' | 'state' | 'declared' | 'uncheckedSinceMs'>,
): {
  key: string
  words: string
} {
  const { status, state, uncheckedSinceMs } = component
  if (uncheckedSinceMs !== undefined)
    return {
      key: 'unknown',
      words: `Not checked since ${new Date(uncheckedSinceMs).toISOString().slice(11, 16)} UTC`,
    }
  if (state === 'closed') return { key: 'closed', words: cellStateWords.closed }
  if (status === 'operational' && (state === 'unknown' || state === 'suspected'))
    return { key: state, words: state === 'unknown' ? 'No evidence now' : cellStateWords.suspected }
  if (state === 'recovering') return { key: 'recovering', words: cellStateWords.recovering }
  if (isPausedByItsWord(component)) return { key: status, words: PAUSED_WORDS }
  return { key: status, words: isLessByItsWord(component) ? LESS_WORDS : componentStatusWords[status] }
}

/** Short: it stands beside a name on a phone. */
const LESS_WORDS = 'Works, with less'
const PAUSED_WORDS = 'Paused'

type SaidOfItself = Pick<ComponentView, 'status' | 'state' | 'declared'>

/** Seen to work when it was last looked at, and by the service's own word not as usual: neither slow nor failing. */
const isByItsWord = ({ status, state, declared }: SaidOfItself): boolean =>
  state === 'up' && status === 'degraded_performance' && declared !== undefined

/** The service knows that before the next check does. */
const isPausedByItsWord = (component: SaidOfItself): boolean =>
  isByItsWord(component) && component.declared!.mode === 'paused'

const isLessByItsWord = (component: SaidOfItself): boolean =>
  isByItsWord(component) && !isPausedByItsWord(component)

/** The detector's observations (engines/detect/causes.ts) as people say them, to stand after "For it:" or "Against it:". */
const EVIDENCE: Readonly<Record<string, string>> = {
  'all-features': 'every feature at once',
  'all-regions': 'every region at once',
  'began-slowly': 'it began slowly',
  'block-page': 'a block page answers instead of the service',
  'blocked-by-law': 'it answers 451, “unavailable for legal reasons”',
  'client-errors': 'requests are refused as wrong',
  'configuration-just-before': 'a configuration was changed just before',
  'connections-fail': 'connections fail',
  'connections-unanswered': 'connections are made, and no answer comes',
  'connections-refused': 'its machine answers, but nothing listens there',
  'dns-answers-differ': 'resolvers give different answers (DNS)',
  'dns-fails': 'the name is not found (DNS)',
  'edge-features-only': 'only what caches deliver fails; the core answers',
  'maintenance-announced': 'maintenance was announced for this time',
  'many-reports': 'many people report it',
  'one-client-version': 'only one version of the app',
  'one-network': 'only one network',
  'one-region': 'only one region',
  'policy-closed': 'it was announced as closed',
  'probes-well': 'our own checks pass',
  'release-just-before': 'something was released just before',
  'request-surge': 'far more requests than usual',
  'server-errors': 'servers answer with errors',
  'server-says-overloaded': 'servers say that they are overloaded',
  'slow-before-failing': 'it became slow before it failed',
  'store-listing-gone': 'the app is gone from its store',
  'surge-from-few-sources': 'the requests come from few sources',
  'traffic-collapsed': 'traffic collapsed',
  'traffic-dipped': 'traffic dipped',
  'wrong-content': 'it answers with the wrong content',
}

/** An observation without words of its own is said as its name says. */
export const evidenceWords = (name: string): string => EVIDENCE[name] ?? name.replaceAll('-', ' ')
