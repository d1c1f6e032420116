/**
 * "Is it down, or is it me?": one verdict from what this browser could try and what the watch sees from outside.
 *
 * Pure. A browser can't tell a failed name resolution from a refused connection, a broken certificate or a missing
 * permission (they are all one error), so no verdict names one of them; and one browser's failure alone never makes an outage.
 */
import type { BeaconFact, EvidenceFact, Facts, TargetFact } from './facts.ts'

export type VerdictCode =
  | 'offline'
  | 'portal'
  | 'cannot-tell'
  | 'closed-here'
  | 'down-for-others'
  | 'down-near-you'
  | 'feature-fails'
  | 'only-watch-reachable'
  | 'family-broken'
  | 'weak-link'
  | 'only-you'
  | 'clock-wrong'
  | 'stale-page'
  | 'old-version'
  | 'signed-out'
  | 'nothing-wrong'

export interface Verdict {
  readonly code: VerdictCode
  /** `them`: the service; `between`: the way to it; `you`: this device or its network. */
  readonly side: 'them' | 'between' | 'you' | 'nobody'
  readonly title: string
  readonly sentence: string
  readonly sureness: 'sure' | 'likely' | 'a guess'
  /** What led to it. */
  readonly because: readonly string[]
  readonly notTested: readonly string[]
  /** What to do, first things first. */
  readonly next: readonly string[]
}

type Finding = Omit<Verdict, 'because' | 'notTested'>

/** More than this breaks encryption, sign-in and one-time codes. */
export const CLOCK_LIMIT_MS = 300_000
export const LOSS_LIMIT = 1 / 3
/** A round trip this many times as long as usual, or this long when nothing usual is known, is a weak line. */
export const SLOW_FACTOR = 5
export const SLOW_FLOOR_MS = 600
export const SLOW_UNKNOWN_MS = 1500
/** A check that passed for nobody of at least this many can't be made from a browser. */
export const PEERS_MIN = 5

/** Weighs the facts. The first rule that fits decides; the order is that of how much each rule proves. */
export function decideVerdict(facts: Facts): Verdict {
  return { ...findVerdict(facts), because: explain(facts), notTested: listNotTested(facts) }
}

function findVerdict(facts: Facts): Finding {
  const { evidence } = facts
  if (isEverythingUnreachable(facts)) return offline(facts)
  if (facts.beacons.some(({ outcome }) => outcome === 'wrong-nonce')) return PORTAL
  // An answer that we may not read: most likely a portal, but an extension that takes headers away looks the same.
  if (facts.beacons.some(({ outcome }) => outcome === 'opaque')) return { ...PORTAL, sureness: 'likely' }
  if (evidence?.isClosedHere) return CLOSED
  if (evidence === null || evidence.isBlind) return withoutEvidence(facts)
  if (reachOf(facts.target) === 'none') return unreachable(facts, evidence)
  return reachable(facts, evidence)
}

/** How much of the service's address answered this browser. */
function reachOf(target: TargetFact | null): 'untested' | 'none' | 'some' | 'all' {
  if (target === null || target.tries === 0) return 'untested'
  if (target.answered === 0) return 'none'
  return target.answered < target.tries ? 'some' : 'all'
}

const isEverythingUnreachable = (facts: Facts): boolean =>
  !facts.isWatchReachable &&
  facts.beacons.every(({ outcome }) => outcome === 'failed') &&
  (reachOf(facts.target) === 'none' || reachOf(facts.target) === 'untested')

/** The target did not answer a single try. */
function unreachable(facts: Facts, evidence: EvidenceFact): Finding {
  if (isManyFail(evidence)) return downForOthers('sure', evidence)
  if (isHereFailing(evidence)) return downNearYou('likely', evidence)
  if (evidence.elsewhere === 'some') return downElsewhere(evidence)
  const beacons = generalBeacons(facts)
  if (beacons.length > 0 && beacons.every(isFailed)) return ONLY_WATCH
  const family = brokenFamily(facts.beacons)
  if (family) return familyBroken(family)
  if (isNeverPassed(evidence)) return CANNOT_TEST
  if (isWeak(facts)) return WEAK_LINK
  if (evidence.here === 'unknown') return CANNOT_TELL
  return { ...ONLY_YOU, sureness: isUsuallyPassed(evidence) ? 'likely' : 'a guess' }
}

/** The target answered, or could not be tried: what remains is a feature, the app, the clock or the line. */
function reachable(facts: Facts, evidence: EvidenceFact): Finding {
  const isTried = reachOf(facts.target) !== 'untested'
  if (isManyFail(evidence)) return isTried ? featureFails(evidence) : downForOthers('likely', evidence)
  if (isHereFailing(evidence)) return downNearYou(isTried ? 'likely' : 'a guess', evidence)
  if (evidence.elsewhere === 'some' && evidence.failingFeatures.length > 0) return featureFails(evidence)
  const own = findOwnFault(facts)
  if (own) return own
  if (isWeak(facts) || reachOf(facts.target) === 'some') return WEAK_LINK
  const family = brokenFamily(facts.beacons)
  if (family) return familyBroken(family)
  if (evidence.here === 'unknown' && evidence.elsewhere === 'unknown' && !isTried) return CANNOT_TELL
  return { ...NOTHING_WRONG, sureness: evidence.here === 'fine' && isTried ? 'likely' : 'a guess' }
}

/** The watch says nothing that counts now: only what this browser found by itself can be said. */
function withoutEvidence(facts: Facts): Finding {
  const own = findOwnFault(facts)
  if (own && reachOf(facts.target) !== 'none') return own
  return CANNOT_TELL
}

/** What the app and the device have of their own. */
function findOwnFault({ clockSkewMs, clockErrorMs, app }: Facts): Finding | null {
  if (clockSkewMs !== null && Math.abs(clockSkewMs) - (clockErrorMs ?? 0) > CLOCK_LIMIT_MS) return CLOCK_WRONG
  if (app === null) return null
  const isOld = app.build !== null && app.newestBuild !== null && app.build !== app.newestBuild
  if (isOld) return app.isFromWorker === true ? STALE_PAGE : OLD_VERSION
  return app.isSignedIn === false ? SIGNED_OUT : null
}

const isManyFail = (evidence: EvidenceFact): boolean => evidence.elsewhere === 'many'
const isHereFailing = (evidence: EvidenceFact): boolean =>
  evidence.here === 'failing' || evidence.here === 'rising'
const isNeverPassed = ({ peers }: EvidenceFact): boolean =>
  peers !== null && peers.total >= PEERS_MIN && peers.passed === 0
const isUsuallyPassed = ({ peers }: EvidenceFact): boolean =>
  peers !== null && peers.total >= PEERS_MIN && peers.passed / peers.total > 0.8
const isFailed = ({ outcome }: BeaconFact): boolean => outcome === 'failed'
const generalBeacons = ({ beacons }: Facts): BeaconFact[] => beacons.filter(({ family }) => family === null)

/** The family of addresses that fails while the other works. */
function brokenFamily(beacons: readonly BeaconFact[]): 'v4' | 'v6' | null {
  const isUp = (wanted: string) =>
    beacons.some(({ family, outcome }) => family === wanted && outcome === 'ok')
  const isDown = (wanted: string) => {
    const of = beacons.filter(({ family }) => family === wanted)
    return of.length > 0 && of.every(isFailed)
  }
  if (isUp('v4') && isDown('v6')) return 'v6'
  return isUp('v6') && isDown('v4') ? 'v4' : null
}

/** Loss or long round trips on the way to our own beacons, which are known to be quick. */
function isWeak(facts: Facts): boolean {
  const answered = facts.beacons.filter(({ outcome }) => outcome === 'ok')
  if (answered.some(({ lossFraction }) => lossFraction > LOSS_LIMIT)) return true
  const rtts = [facts.watchRttMs, ...answered.map(({ rttMs }) => rttMs)].filter((rtt) => rtt !== null)
  if (rtts.length === 0) return false
  const best = Math.min(...rtts)
  return facts.usualRttMs === null
    ? best > SLOW_UNKNOWN_MS
    : best > Math.max(SLOW_FLOOR_MS, facts.usualRttMs * SLOW_FACTOR)
}

const offline = (facts: Facts): Finding => ({
  code: 'offline',
  side: 'you',
  title: facts.isOnline ? 'You look offline' : 'You are offline',
  sentence: facts.isOnline
    ? 'Nothing that was tried answered, not even this page’s own address.'
    : 'The browser itself says that this device has no connection.',
  sureness: facts.isOnline ? 'likely' : 'sure',
  next: [
    'Check flight mode, Wi-Fi and mobile data.',
    'Try the other one: mobile data instead of Wi-Fi, or Wi-Fi instead of mobile data.',
    'If other devices on this network are offline too, restart the router once and wait three minutes.',
  ],
})

const PORTAL: Finding = {
  code: 'portal',
  side: 'between',
  title: 'Something in between answers in our place',
  sentence:
    'A check that only we can answer was answered by something else: a sign-in page of this Wi-Fi, a filter or a proxy.',
  sureness: 'sure',
  next: [
    'Open any page that is not encrypted, or the network’s own sign-in page, and accept its terms.',
    'Or leave this Wi-Fi and use mobile data.',
    'On a network of a school or a firm, ask who runs it.',
  ],
}

const CLOSED: Finding = {
  code: 'closed-here',
  side: 'them',
  title: 'It is closed where you are',
  sentence: 'The service or a provider closed it in your region by a decision; it is not broken.',
  sureness: 'likely',
  next: [
    'Restarting, reinstalling and clearing the cache change nothing; leave the app as it is.',
    'The status page says when and why, as far as it was published.',
  ],
}

const downForOthers = (sureness: Verdict['sureness'], evidence: EvidenceFact): Finding => ({
  code: 'down-for-others',
  side: 'them',
  title: 'It is down for others too',
  sentence: evidence.incident
    ? `${evidence.incident.title}. There is nothing wrong on your side that would explain it.`
    : 'People and checks elsewhere have the same trouble; there is no need to change anything on your side.',
  sureness,
  next: [
    ...waitFor(evidence),
    'Do not reinstall and do not sign out: what is not sent yet stays on this device.',
    'Let the status page tell you when it is back.',
  ],
})

/** Some places fail, and whether this one is among them is not known. */
const downElsewhere = (evidence: EvidenceFact): Finding => ({
  ...downForOthers('a guess', evidence),
  title: 'It may be down for others too',
  sentence: `In some other places it fails${evidence.incident ? ` (${evidence.incident.title})` : ''}; whether that is what you see can’t be told from here.`,
})

const downNearYou = (sureness: Verdict['sureness'], evidence: EvidenceFact): Finding => ({
  code: 'down-near-you',
  side: 'between',
  title: `It fails in ${evidence.regionName ?? 'your region'}, not everywhere`,
  sentence:
    'Others in your region or network have the same trouble, and elsewhere it works: a regional fault, a provider, or a block.',
  sureness,
  next: [
    'Run this check again over mobile data (or over Wi-Fi if you are on mobile data): if it works there, it is the provider.',
    ...waitFor(evidence),
  ],
})

const featureFails = (evidence: EvidenceFact): Finding => ({
  code: 'feature-fails',
  side: 'them',
  title: 'It answers, but part of it fails',
  sentence:
    evidence.failingFeatures.length > 0
      ? `From here the service answers; for others this fails: ${evidence.failingFeatures.slice(0, 5).join(', ')}.`
      : 'From here the service answers, while many report trouble.',
  sureness: 'likely',
  next: ['Say below what doesn’t work for you: that tells us which part it is.', ...waitFor(evidence)],
})

const waitFor = (evidence: EvidenceFact): string[] => [
  evidence.incident?.expected
    ? `Wait: ${evidence.incident.expected}`
    : 'Wait; nobody knows yet how long it will take. Try once every few minutes, not over and over.',
]

const ONLY_WATCH: Finding = {
  code: 'only-watch-reachable',
  side: 'between',
  title: 'Your network reaches only us',
  sentence: 'This page’s own address answers, but neither our beacons elsewhere nor the service do.',
  sureness: 'likely',
  next: [
    'Switch off a VPN, a filter or a “private relay” and run the check again.',
    'Try another network.',
    'On a network of a school or a firm, ask who runs it.',
  ],
}

const familyBroken = (family: 'v4' | 'v6'): Finding => ({
  code: 'family-broken',
  side: 'between',
  title: `Your ${family === 'v6' ? 'IPv6' : 'IPv4'} connection is broken`,
  sentence: `Addresses of ${family === 'v6' ? 'IPv4' : 'IPv6'} answer and those of ${family === 'v6' ? 'IPv6' : 'IPv4'} do not: pages come slowly or not at all.`,
  sureness: 'likely',
  next: ['Restart the router once.', 'If it stays, tell your provider exactly this sentence.'],
})

const WEAK_LINK: Finding = {
  code: 'weak-link',
  side: 'you',
  title: 'Your connection is slow or loses much',
  sentence:
    'Our own beacons answer late or only at times, so everything will be slow, not only this service.',
  sureness: 'likely',
  next: [
    'Move closer to the Wi-Fi, or try mobile data.',
    'Pause downloads, updates and other video on this network.',
    'Choose a lower picture quality meanwhile.',
  ],
}

const ONLY_YOU: Finding = {
  code: 'only-you',
  side: 'you',
  title: 'It is probably only you',
  sentence:
    'The service works for our checks and nobody else near you complains, but this browser can’t reach it: an extension, a filter, a firewall, or a block in your network.',
  sureness: 'a guess',
  next: [
    'Open it in a private window with extensions off.',
    'Try another network, then another device: whichever works shows where it is stuck.',
    'Switch off a VPN, an ad blocker or a filter for a moment.',
    'Clear this site’s cache; your account and what is on the server stay.',
  ],
}

const CANNOT_TELL: Finding = {
  code: 'cannot-tell',
  side: 'nobody',
  title: 'We can not tell right now',
  sentence:
    'The watch has no evidence of its own at this moment, and one browser alone does not show an outage.',
  sureness: 'a guess',
  next: ['Try another network and another device.', 'Run this check again in a few minutes.'],
}

const CANNOT_TEST: Finding = {
  ...CANNOT_TELL,
  sentence:
    'No browser passes this check, even when the service works: it does not let other pages test it. Our own checks see no fault.',
  next: [
    'Open the service itself; if it fails there, say below what doesn’t work.',
    'Try another network and another device.',
  ],
}

const CLOCK_WRONG: Finding = {
  code: 'clock-wrong',
  side: 'you',
  title: 'The clock of this device is wrong',
  sentence:
    'It differs from ours by more than five minutes: secure connections, sign-in and one-time codes fail then.',
  sureness: 'sure',
  next: ['Let the device set date, time and time zone by itself.', 'Reload the app once.'],
}

const STALE_PAGE: Finding = {
  code: 'stale-page',
  side: 'you',
  title: 'This device shows an old copy of the app',
  sentence: 'The app came from this device’s own store and is older than what the service gives out now.',
  sureness: 'sure',
  next: [
    'Close all tabs of the app and open it again.',
    'If it stays: Settings → Free up space. Nothing that you made is lost.',
  ],
}

const OLD_VERSION: Finding = {
  code: 'old-version',
  side: 'you',
  title: 'Your app is older than the newest version',
  sentence: 'The service works; parts of it may not work with this version.',
  sureness: 'likely',
  next: [
    'Reload the page, or update the app.',
    'If the version stays the same, close all of its tabs and open it again.',
  ],
}

const SIGNED_OUT: Finding = {
  code: 'signed-out',
  side: 'you',
  title: 'The service works; you are signed out',
  sentence: 'The app handed over that nobody is signed in on this device, which looks like missing content.',
  sureness: 'likely',
  next: [
    'Sign in again.',
    'If you did not sign out yourself, look at your devices under Settings → Security.',
  ],
}

const NOTHING_WRONG: Finding = {
  code: 'nothing-wrong',
  side: 'nobody',
  title: 'Nothing wrong is seen from here',
  sentence: 'The service answers this browser, our own checks pass, and nobody near you complains.',
  sureness: 'likely',
  next: [
    'If something still fails, say below what: you may be the first.',
    'Restart the app once, not ten times.',
    'Clear this site’s cache; your account and what is on the server stay.',
  ],
}

function explain(facts: Facts): string[] {
  const { evidence, target, clockSkewMs } = facts
  const lines = [
    facts.isOnline ? null : 'The browser says that it is offline.',
    facts.isWatchReachable
      ? `The watch answered${facts.watchRttMs === null ? '' : ` in ${Math.round(facts.watchRttMs)} ms`}.`
      : 'The watch did not answer.',
    ...facts.beacons.map(
      ({ name, outcome, rttMs }) =>
        `Beacon ${name}: ${{ ok: rttMs === null ? 'answered' : `answered in ${Math.round(rttMs)} ms`, failed: 'could not be reached', 'wrong-nonce': 'something else answered in its place', opaque: 'something else answered in its place' }[outcome]}.`,
    ),
    target && target.tries > 0 ? `The service answered ${target.answered} of ${target.tries} tries.` : null,
    clockSkewMs !== null && Math.abs(clockSkewMs) > 60_000
      ? `This device’s clock is ${Math.round(Math.abs(clockSkewMs) / 60_000)} min ${clockSkewMs > 0 ? 'ahead' : 'behind'}.`
      : null,
    ...(evidence && !evidence.isBlind ? explainEvidence(evidence) : []),
  ]
  return lines.filter((line) => line !== null)
}

function explainEvidence({ here, elsewhere, peers, regionName }: EvidenceFact): string[] {
  const place = regionName ?? 'your region'
  const hereWords = {
    fine: `Our checks and people’s reports show no fault in ${place}.`,
    rising: `Signs of trouble are rising in ${place}.`,
    failing: `It fails in ${place}, as our checks and reports show.`,
    unknown: `We have no evidence about ${place}.`,
  }
  const elsewhereWords = {
    fine: 'Elsewhere it works.',
    some: 'In some other places it fails.',
    many: 'It fails in many places.',
    unknown: 'We have no evidence about other places.',
  }
  const lines = [hereWords[here], elsewhereWords[elsewhere]]
  if (peers && peers.total > 0)
    lines.push(`The same check passed for ${peers.passed} of ${peers.total} others in the last minutes.`)
  return lines
}

/** What no page can find out, and what this run had no means for. */
function listNotTested(facts: Facts): string[] {
  const lines = [
    'Which step failed (finding the name, connecting, encryption): a page is told only that it failed.',
    'Your router and home network: they are never probed from here.',
  ]
  if (facts.beacons.length === 0)
    lines.push('A second place to compare with: this watch has no beacon elsewhere.')
  if (!facts.beacons.some(({ family }) => family !== null))
    lines.push('IPv4 and IPv6 one by one: this watch has no names for them.')
  if (reachOf(facts.target) === 'untested')
    lines.push('The service’s own address: it was not tried from here.')
  if (facts.app === null)
    lines.push('The app’s version, its stored copy and your session: open the check from the app for that.')
  if (facts.evidence === null) lines.push('What others see: the watch could not be asked.')
  else if (facts.evidence.isBlind) lines.push('What others see: the watch’s own checks have no connection.')
  if (facts.usualRttMs === null)
    lines.push('Whether this is slower than usual for you: it is your first check here.')
  return lines
}
