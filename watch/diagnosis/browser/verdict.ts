/**
 * "Is it down, or is it me?": one verdict from what this browser could try and what the watch sees from outside.
 *
 * Pure. A browser can't tell a failed name resolution from a refused connection, a broken certificate or a missing
 * permission (they are all one error), so no verdict names one of them; and one browser's failure alone never makes an outage.
 */
import type { BeaconFact, EvidenceFact, Facts, TargetFact } from './facts.ts'
import {
  describePlaces,
  offline,
  PORTAL,
  CLOSED,
  downForOthers,
  downElsewhere,
  downNearYou,
  featureFails,
  ONLY_WATCH,
  familyBroken,
  WEAK_LINK,
  ONLY_YOU,
  CANNOT_TELL,
  CANNOT_TEST,
  CLOCK_WRONG,
  STALE_PAGE,
  OLD_VERSION,
  SIGNED_OUT,
  NOTHING_WRONG,
} from './findings.ts'
import type { Finding, Verdict } from './findings.ts'

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

function explainEvidence(evidence: EvidenceFact): string[] {
  const { peers } = evidence
  const lines = describePlaces(evidence)
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
