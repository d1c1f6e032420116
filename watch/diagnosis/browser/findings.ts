/** What each verdict says: whose side it is on, in plain words, and what to do, first things first. Pure. */
import type { EvidenceFact, Facts } from './facts.ts'

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

export type Finding = Omit<Verdict, 'because' | 'notTested'>

export const offline = (facts: Facts): Finding => ({
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

export const PORTAL: Finding = {
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

export const CLOSED: Finding = {
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

export const downForOthers = (sureness: Verdict['sureness'], evidence: EvidenceFact): Finding => ({
  code: 'down-for-others',
  side: 'them',
  title: evidence.isPartial ? 'Part of it is down for others too' : 'It is down for others too',
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
export const downElsewhere = (evidence: EvidenceFact): Finding => ({
  ...downForOthers('a guess', evidence),
  title: 'It may be down for others too',
  sentence: `In some other places it fails${evidence.incident ? ` (${evidence.incident.title})` : ''}; whether that is what you see can’t be told from here.`,
})

export const downNearYou = (sureness: Verdict['sureness'], evidence: EvidenceFact): Finding => ({
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

export const featureFails = (evidence: EvidenceFact): Finding => ({
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

export const ONLY_WATCH: Finding = {
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

export const familyBroken = (family: 'v4' | 'v6'): Finding => ({
  code: 'family-broken',
  side: 'between',
  title: `Your ${family === 'v6' ? 'IPv6' : 'IPv4'} connection is broken`,
  sentence: `Addresses of ${family === 'v6' ? 'IPv4' : 'IPv6'} answer and those of ${family === 'v6' ? 'IPv6' : 'IPv4'} do not: pages come slowly or not at all.`,
  sureness: 'likely',
  next: ['Restart the router once.', 'If it stays, tell your provider exactly this sentence.'],
})

export const WEAK_LINK: Finding = {
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

export const ONLY_YOU: Finding = {
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

export const CANNOT_TELL: Finding = {
  code: 'cannot-tell',
  side: 'nobody',
  title: 'We can not tell right now',
  sentence:
    'The watch has no evidence of its own at this moment, and one browser alone does not show an outage.',
  sureness: 'a guess',
  next: ['Try another network and another device.', 'Run this check again in a few minutes.'],
}

export const CANNOT_TEST: Finding = {
  ...CANNOT_TELL,
  sentence:
    'No browser passes this check, even when the service works: it does not let other pages test it. Our own checks see no fault.',
  next: [
    'Open the service itself; if it fails there, say below what doesn’t work.',
    'Try another network and another device.',
  ],
}

export const CLOCK_WRONG: Finding = {
  code: 'clock-wrong',
  side: 'you',
  title: 'The clock of this device is wrong',
  sentence:
    'It differs from ours by more than five minutes: secure connections, sign-in and one-time codes fail then.',
  sureness: 'sure',
  next: ['Let the device set date, time and time zone by itself.', 'Reload the app once.'],
}

export const STALE_PAGE: Finding = {
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

export const OLD_VERSION: Finding = {
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

export const SIGNED_OUT: Finding = {
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

export const NOTHING_WRONG: Finding = {
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

/** What the watch sees where the person is, and what it sees elsewhere; a service without regions has no elsewhere. */
export function describePlaces(evidence: EvidenceFact): string[] {
  const { here, elsewhere, regionName, isOneRegion, isClosedHere } = evidence
  const place = isOneRegion ? '' : ` in ${regionName ?? 'your region'}`
  const hereWords = {
    fine: `Our checks and people’s reports show no fault${place}.`,
    rising: `Signs of trouble are rising${place}.`,
    failing: `It fails${place}, as our checks and reports show.`,
    unknown: isOneRegion
      ? 'We have no evidence of how it goes.'
      : `We have no evidence about${place.slice(3)}.`,
  }
  const elsewhereWords = {
    fine: 'Elsewhere it works.',
    some: 'In some other places it fails.',
    many: 'It fails in many places.',
    unknown: 'We have no evidence about other places.',
  }
  const hereLine = isClosedHere ? `It is closed${place} by a decision.` : hereWords[here]
  return isOneRegion ? [hereLine] : [hereLine, elsewhereWords[elsewhere]]
}
