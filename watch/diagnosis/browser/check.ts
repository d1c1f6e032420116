/** The page's part of "is it down, or is it me?": runs the checks on a tap, shows them as they end, and then the verdict. */
import {
  checkBeacon,
  checkTarget,
  medianOf,
  readJsonPath,
  type BeaconResult,
  type BeaconTarget,
} from './checks.ts'
import type { AppFact, EvidenceFact, Facts, TargetFact } from './facts.ts'
import type { Verdict } from './findings.ts'
import { decideVerdict } from './verdict.ts'

/** What the server put into the page. */
interface CheckConfig {
  readonly serviceName: string
  readonly ownBeacon: string
  readonly beacons: readonly BeaconTarget[]
  readonly target: string | null
  readonly version: { readonly url: string; readonly path: string } | null
  readonly evidenceUrl: string
  readonly resultUrl: string
  readonly reportUrl: string
}

const HISTORY_KEY = 'upbeat.check.rtt'
const HISTORY_MAX = 20
export const RESULT_KEY = 'upbeat.check.result'

const byId = (id: string): HTMLElement => document.getElementById(id)!

function readConfig(): CheckConfig {
  // Written by our own server into this very page.
  return JSON.parse(byId('check-config').textContent) as CheckConfig
}

/** What the app handed over in the address after `#app=`; nothing that is not of the expected type is taken. */
function readAppFact(newestBuild: string | null): AppFact | null {
  const raw = new URLSearchParams(location.hash.slice(1)).get('app')
  if (raw === null) return null
  let given: Record<string, unknown>
  try {
    given = JSON.parse(raw) as Record<string, unknown>
  } catch {
    return null
  }
  const pick = <T>(value: unknown, type: 'string' | 'number' | 'boolean'): T | null =>
    typeof value === type ? (value as T) : null
  return {
    build: pick<string>(given['build'], 'string'),
    newestBuild,
    isFromWorker: pick<boolean>(given['isFromWorker'], 'boolean'),
    dataAgeS: pick<number>(given['dataAgeS'], 'number'),
    isSignedIn: pick<boolean>(given['isSignedIn'], 'boolean'),
  }
}

async function readEvidence(url: string): Promise<EvidenceFact | null> {
  try {
    const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(6_000) })
    // The shape is our own server's (`watch/diagnosis/evidence.ts`).
    return response.ok ? ((await response.json()) as EvidenceFact) : null
  } catch {
    return null
  }
}

/** Earlier round trips of this browser; null before the first check, or when nothing may be stored. */
function readUsualRtt(): number | null {
  try {
    const known: unknown = JSON.parse(localStorage.getItem(HISTORY_KEY) ?? '[]')
    return Array.isArray(known) ? medianOf(known.filter((value) => typeof value === 'number')) : null
  } catch {
    return null
  }
}

function rememberRtt(rttMs: number | null): void {
  if (rttMs === null) return
  try {
    const known: unknown = JSON.parse(localStorage.getItem(HISTORY_KEY) ?? '[]')
    const list = Array.isArray(known) ? known : []
    localStorage.setItem(HISTORY_KEY, JSON.stringify([...list, Math.round(rttMs)].slice(-HISTORY_MAX)))
  } catch {
    // A browser that stores nothing only loses the comparison with earlier checks.
  }
}

/** One line of the list of checks; says how it went once that is known. */
function addStep(words: string): (outcome: string, isGood: boolean | null) => void {
  const item = document.createElement('li')
  const result = document.createElement('span')
  result.className = 'faint'
  result.textContent = 'running …'
  item.append(`${words}: `, result)
  byId('check-steps').append(item)
  return (outcome, isGood) => {
    result.textContent = outcome
    result.className = isGood === null ? 'faint' : isGood ? 'ok' : 'err'
  }
}

const describeBeacon = ({ fact }: BeaconResult): [string, boolean] =>
  fact.outcome === 'ok'
    ? [`answered in ${Math.round(fact.rttMs ?? 0)} ms`, true]
    : [fact.outcome === 'failed' ? 'could not be reached' : 'something else answered', false]

async function runBeacon(target: BeaconTarget, words: string): Promise<BeaconResult> {
  const done = addStep(words)
  const result = await checkBeacon(target)
  done(...describeBeacon(result))
  return result
}

async function runTarget(config: CheckConfig): Promise<TargetFact | null> {
  if (config.target === null) return null
  const done = addStep(config.serviceName)
  const fact = await checkTarget(config.target)
  done(`answered ${fact.answered} of ${fact.tries} tries`, fact.answered === fact.tries)
  return fact
}

async function runAll(config: CheckConfig): Promise<Facts> {
  byId('check-steps').replaceChildren()
  const usualRttMs = readUsualRtt()
  const [own, beacons, target, evidence, newestBuild] = await Promise.all([
    runBeacon({ name: 'watch', url: config.ownBeacon, family: null }, 'This watch'),
    Promise.all(config.beacons.map((beacon) => runBeacon(beacon, `Beacon ${beacon.name}`))),
    runTarget(config),
    readEvidence(config.evidenceUrl),
    config.version ? readJsonPath(config.version.url, config.version.path) : null,
  ])
  rememberRtt(own.fact.rttMs)
  // A wrong number from our own address is what a portal does as well.
  const isOwnStrange = own.fact.outcome === 'wrong-nonce' || own.fact.outcome === 'opaque'
  return {
    isOnline: navigator.onLine,
    isWatchReachable: own.fact.outcome === 'ok',
    watchRttMs: own.fact.rttMs,
    beacons: [...(isOwnStrange ? [own.fact] : []), ...beacons.map(({ fact }) => fact)],
    target,
    usualRttMs,
    clockSkewMs: own.skewMs ?? beacons.find(({ skewMs }) => skewMs !== null)?.skewMs ?? null,
    clockErrorMs:
      own.skewErrorMs ?? beacons.find(({ skewErrorMs }) => skewErrorMs !== null)?.skewErrorMs ?? null,
    app: readAppFact(newestBuild),
    evidence,
  }
}

function makeList(title: string, lines: readonly string[], tag: 'ol' | 'ul'): HTMLElement[] {
  const heading = document.createElement('h3')
  heading.textContent = title
  const list = document.createElement(tag)
  list.className = 'steps'
  for (const line of lines) {
    const item = document.createElement('li')
    item.textContent = line
    list.append(item)
  }
  return [heading, list]
}

function showVerdict(verdict: Verdict, config: CheckConfig, facts: Facts): void {
  const title = document.createElement('h2')
  title.textContent = verdict.title
  const sentence = document.createElement('p')
  sentence.textContent = verdict.sentence
  const sureness = document.createElement('p')
  sureness.className = 'faint'
  sureness.textContent = `How sure: ${verdict.sureness}.`
  const more = document.createElement('details')
  const summary = document.createElement('summary')
  summary.textContent = 'What this rests on, and what was not tested'
  more.append(
    summary,
    ...makeList('What was found', verdict.because, 'ul'),
    ...makeList('What was not tested', verdict.notTested, 'ul'),
  )
  const acts = document.createElement('p')
  acts.className = 'acts'
  acts.append(makeReportLink(verdict, config, facts), makeCopyButton(verdict, config))
  if (facts.evidence?.incident)
    acts.append(makeLink('What is known of the outage', facts.evidence.incident.url))
  const card = byId('check-verdict')
  card.dataset['code'] = verdict.code
  card.replaceChildren(title, sentence, sureness, ...makeList('What to do', verdict.next, 'ol'), acts, more)
  card.hidden = false
  card.focus()
}

function makeLink(words: string, href: string): HTMLAnchorElement {
  const link = document.createElement('a')
  link.className = 'btn small'
  link.textContent = words
  link.href = href
  return link
}

/** The report form takes the result along, where the person sees it and may take it out again. */
function makeReportLink(verdict: Verdict, config: CheckConfig, facts: Facts): HTMLAnchorElement {
  const text = describeForSupport(verdict, config)
  try {
    sessionStorage.setItem(RESULT_KEY, JSON.stringify({ text, atMs: Date.now() }))
  } catch {
    // Without storage the report is sent without the result.
  }
  const link = makeLink('Report a problem with this result', config.reportUrl)
  link.classList.toggle('main', verdict.side === 'them' || facts.evidence?.here === 'failing')
  return link
}

function makeCopyButton(verdict: Verdict, config: CheckConfig): HTMLButtonElement {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'btn small'
  button.textContent = 'Copy for support'
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(describeForSupport(verdict, config)).then(
      () => (button.textContent = 'Copied'),
      () => (button.textContent = 'Copying is not allowed here: select the text instead'),
    )
  })
  return button
}

/** Plain text, without an address or anything that names the person. */
function describeForSupport(verdict: Verdict, config: CheckConfig): string {
  return [
    `${config.serviceName}: ${verdict.title} (${verdict.code}, ${verdict.sureness}), ${new Date().toISOString()}`,
    ...verdict.because.map((line) => `- ${line}`),
    ...verdict.notTested.map((line) => `- not tested: ${line}`),
  ]
    .join('\n')
    .slice(0, 2000)
}

/** Coarse and only after a check: whether the target answered. It tells others whether this check can pass at all. */
function sendResult(config: CheckConfig, facts: Facts, verdict: Verdict): void {
  if (facts.target === null || !facts.isWatchReachable) return
  void fetch(config.resultUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ isTargetReached: facts.target.answered > 0, verdict: verdict.code }),
    keepalive: true,
  }).catch(() => {})
}

function start(): void {
  const config = readConfig()
  const button = byId('check-start') as HTMLButtonElement
  byId('check-ui').hidden = false
  button.addEventListener('click', () => {
    if (button.getAttribute('aria-busy') === 'true') return
    button.setAttribute('aria-busy', 'true')
    button.textContent = 'Checking: up to 15 seconds'
    byId('check-verdict').hidden = true
    void runAll(config).then((facts) => {
      const verdict = decideVerdict(facts)
      showVerdict(verdict, config, facts)
      sendResult(config, facts, verdict)
      button.setAttribute('aria-busy', 'false')
      button.textContent = 'Check again'
    })
  })
}

start()
