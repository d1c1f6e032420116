import { expect, test } from 'vitest'
import type { BeaconFact, EvidenceFact, Facts } from './facts.ts'
import type { VerdictCode } from './findings.ts'
import { CLOCK_LIMIT_MS, decideVerdict, PEERS_MIN } from './verdict.ts'

const beacon = (changes: Partial<BeaconFact> = {}): BeaconFact => ({
  name: 'A',
  family: null,
  outcome: 'ok',
  lossFraction: 0,
  rttMs: 40,
  ...changes,
})
const evidence = (changes: Partial<EvidenceFact> = {}): EvidenceFact => ({
  isBlind: false,
  here: 'fine',
  elsewhere: 'fine',
  isClosedHere: false,
  failingFeatures: [],
  incident: null,
  regionName: 'Europe',
  isOneRegion: false,
  peers: { passed: 20, total: 20 },
  ...changes,
})
const facts = (changes: Partial<Facts> = {}): Facts => ({
  isOnline: true,
  isWatchReachable: true,
  watchRttMs: 30,
  beacons: [beacon(), beacon({ name: 'B' })],
  target: { tries: 3, answered: 3, medianMs: 60 },
  usualRttMs: 35,
  clockSkewMs: 0,
  clockErrorMs: 20,
  app: null,
  evidence: evidence(),
  ...changes,
})

const failed = beacon({ outcome: 'failed', rttMs: null, lossFraction: 1 })
const dead = { tries: 3, answered: 0, medianMs: null }
const app = { build: 'b2', newestBuild: 'b2', isFromWorker: false, dataAgeS: 3, isSignedIn: true }

test.each<[string, Partial<Facts>, VerdictCode, string]>([
  [
    'nothing answers and the browser says so',
    { isOnline: false, isWatchReachable: false, beacons: [failed, failed], target: dead, evidence: null },
    'offline',
    'sure',
  ],
  [
    'nothing answers',
    { isWatchReachable: false, beacons: [failed, failed], target: dead, evidence: null },
    'offline',
    'likely',
  ],
  [
    'nothing answers, and there is no beacon',
    { isWatchReachable: false, beacons: [], target: dead, evidence: null },
    'offline',
    'likely',
  ],
  ['only the watch answers', { beacons: [failed, failed], target: dead }, 'only-watch-reachable', 'likely'],
  [
    'another number comes back',
    { beacons: [beacon(), beacon({ outcome: 'wrong-nonce' })] },
    'portal',
    'sure',
  ],
  [
    'an answer without our permission comes back',
    { beacons: [beacon({ outcome: 'opaque' })], target: dead },
    'portal',
    'likely',
  ],
  [
    'beacons take far longer than usual',
    { watchRttMs: 900, beacons: [beacon({ rttMs: 950 })] },
    'weak-link',
    'likely',
  ],
  ['beacons lose more than a third', { beacons: [beacon({ lossFraction: 2 / 3 })] }, 'weak-link', 'likely'],
  [
    'beacons are slow and the service does not answer',
    { watchRttMs: 900, beacons: [beacon({ rttMs: 950 })], target: dead },
    'weak-link',
    'likely',
  ],
  [
    'the service answers only at times',
    { target: { tries: 3, answered: 1, medianMs: 900 } },
    'weak-link',
    'likely',
  ],
  ['only this browser fails, others pass', { target: dead }, 'only-you', 'likely'],
  [
    'only this browser fails, nobody else tried',
    { target: dead, evidence: evidence({ peers: null }) },
    'only-you',
    'a guess',
  ],
  [
    'this region alone fails',
    { target: dead, evidence: evidence({ here: 'failing' }) },
    'down-near-you',
    'likely',
  ],
  [
    'this region alone shows signs',
    { target: dead, evidence: evidence({ here: 'rising' }) },
    'down-near-you',
    'likely',
  ],
  [
    'the service answers, and this region fails',
    { evidence: evidence({ here: 'failing' }) },
    'down-near-you',
    'likely',
  ],
  [
    'many regions fail',
    { target: dead, evidence: evidence({ here: 'failing', elsewhere: 'many' }) },
    'down-for-others',
    'sure',
  ],
  [
    'some other place fails, too',
    { target: dead, evidence: evidence({ elsewhere: 'some' }) },
    'down-for-others',
    'a guess',
  ],
  [
    'it answers and many report',
    { evidence: evidence({ here: 'failing', elsewhere: 'many', failingFeatures: ['Sign-in'] }) },
    'feature-fails',
    'likely',
  ],
  [
    'it answers and a feature fails somewhere',
    { evidence: evidence({ elsewhere: 'some', failingFeatures: ['Upload'] }) },
    'feature-fails',
    'likely',
  ],
  [
    'many regions fail and nothing could be tried',
    { target: null, evidence: evidence({ elsewhere: 'many' }) },
    'down-for-others',
    'likely',
  ],
  ['nothing is wrong', {}, 'nothing-wrong', 'likely'],
  [
    'nothing is wrong as far as is known',
    { evidence: evidence({ here: 'unknown' }) },
    'nothing-wrong',
    'a guess',
  ],
  [
    'IPv6 fails while IPv4 works',
    { beacons: [beacon({ family: 'v4' }), { ...failed, family: 'v6' }] },
    'family-broken',
    'likely',
  ],
  [
    'IPv4 fails while IPv6 works, and the service is not reached',
    { target: dead, beacons: [beacon({ family: 'v6' }), { ...failed, family: 'v4' }] },
    'family-broken',
    'likely',
  ],
  [
    'the watch is blind',
    { target: dead, evidence: evidence({ isBlind: true, here: 'failing', elsewhere: 'many' }) },
    'cannot-tell',
    'a guess',
  ],
  ['the watch could not be asked', { target: dead, evidence: null }, 'cannot-tell', 'a guess'],
  [
    'the watch has no evidence here',
    { target: dead, evidence: evidence({ here: 'unknown', elsewhere: 'unknown', peers: null }) },
    'cannot-tell',
    'a guess',
  ],
  [
    'nobody ever passes this check',
    { target: dead, evidence: evidence({ peers: { passed: 0, total: PEERS_MIN } }) },
    'cannot-tell',
    'a guess',
  ],
  [
    'too few others tried to say so',
    { target: dead, evidence: evidence({ peers: { passed: 0, total: PEERS_MIN - 1 } }) },
    'only-you',
    'a guess',
  ],
  [
    'it is closed here',
    { target: dead, evidence: evidence({ isClosedHere: true, here: 'failing' }) },
    'closed-here',
    'likely',
  ],
  ['the clock is wrong', { clockSkewMs: -CLOCK_LIMIT_MS - 1000 }, 'clock-wrong', 'sure'],
  [
    'the clock may be wrong, within its error',
    { clockSkewMs: CLOCK_LIMIT_MS + 10 },
    'nothing-wrong',
    'likely',
  ],
  [
    'a stored copy of an older build',
    { app: { ...app, build: 'b1', isFromWorker: true } },
    'stale-page',
    'sure',
  ],
  ['an older build from the network', { app: { ...app, build: 'b1' } }, 'old-version', 'likely'],
  ['nobody is signed in', { app: { ...app, isSignedIn: false } }, 'signed-out', 'likely'],
  ['the newest build, signed in', { app }, 'nothing-wrong', 'likely'],
  [
    'an old build does not explain an outage',
    { app: { ...app, build: 'b1' }, target: dead, evidence: evidence({ elsewhere: 'many' }) },
    'down-for-others',
    'sure',
  ],
  [
    'a wrong clock is seen even by a blind watch',
    { clockSkewMs: 900_000, evidence: evidence({ isBlind: true }) },
    'clock-wrong',
    'sure',
  ],
])('%s', (_, changes, code, sureness) => {
  const verdict = decideVerdict(facts(changes))
  expect({ code: verdict.code, sureness: verdict.sureness }).toEqual({ code, sureness })
  expect(verdict.next.length).toBeGreaterThan(0)
})

test('no verdict claims to know which step of a connection failed', () => {
  const verdict = decideVerdict(facts({ target: dead }))
  const words = [verdict.title, verdict.sentence, ...verdict.because, ...verdict.next].join(' ')
  expect(words).not.toMatch(/\bDNS\b|certificate|TLS|refused/i)
  expect(verdict.notTested.join(' ')).toMatch(/told only that it failed/)
})

test('what there were no means for is said', () => {
  const { notTested } = decideVerdict(
    facts({ beacons: [], target: null, app: null, evidence: null, usualRttMs: null }),
  )
  expect(notTested).toHaveLength(8)
})

test('a slow line is judged by what is usual for it', () => {
  expect(decideVerdict(facts({ watchRttMs: 700, beacons: [], usualRttMs: 650 })).code).toBe('nothing-wrong')
  expect(decideVerdict(facts({ watchRttMs: 700, beacons: [], usualRttMs: 100 })).code).toBe('weak-link')
  expect(decideVerdict(facts({ watchRttMs: 1400, beacons: [], usualRttMs: null })).code).toBe('nothing-wrong')
})

test('where a part fails for others, it is not called the whole', () => {
  const many = (isPartial: boolean) =>
    decideVerdict(facts({ target: null, evidence: evidence({ elsewhere: 'many', isPartial }) })).title
  expect(many(true)).toBe('Part of it is down for others too')
  expect(many(false)).toBe('It is down for others too')
})
