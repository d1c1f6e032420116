/**
 * Public incidents, re-told as traces: when they began and ended, whom they hit, and what could be seen from outside.
 *
 * Only the facts are theirs; the service, its usual day and the noise are the simulator's. Times are UTC. Where a report
 * gives no figure for a signal, a plausible one was chosen before the detector ever saw it.
 */
import type { Cause, MarkerSample, ProbeFailure } from '../types.ts'

export interface Retold {
  readonly id: string
  readonly source: string
  /** ISO, minutes; the profile counts minutes from here. */
  readonly beganAt: string
  readonly profile: readonly (readonly [minute: number, strength: number])[]
  /** What would be a right answer, seen from outside. */
  readonly causes: readonly Cause[]
  readonly features: 'all' | readonly string[]
  readonly regions: 'all' | readonly string[]
  readonly failures: readonly (readonly [ProbeFailure, number])[]
  readonly trafficRatio: number
  readonly surge?: number
  readonly diversity?: number
  readonly slowFactor?: number
  readonly probeFailure?: number
  /** Minutes from the beginning. */
  readonly marker?: readonly [MarkerSample['what'], number]
}

/** From a sudden beginning to a sudden end. */
const whole = (minutes: number): Retold['profile'] => [
  [0, 0],
  [1, 1],
  [minutes, 1],
  [minutes + 1, 0],
]

export const RETOLD: readonly Retold[] = [
  {
    id: 'facebook-backbone-2021',
    // A command of maintenance took the backbone down; the edges then withdrew the routes to the name servers.
    source: 'https://engineering.fb.com/2021/10/05/networking-traffic/outage-details/',
    beganAt: '2021-10-04T15:39Z',
    profile: [
      [0, 0],
      [3, 1],
      [335, 1],
      [372, 0],
    ],
    causes: ['dns', 'network'],
    features: 'all',
    regions: 'all',
    failures: [
      ['dns-no-answer', 9],
      ['connect', 1],
    ],
    trafficRatio: 0.01,
  },
  {
    id: 'fastly-2021',
    // A valid customer's configuration met a latent fault: 85 % of the network answered with errors; 95 % well after 49 minutes.
    source: 'https://www.fastly.com/blog/summary-of-june-8-outage',
    beganAt: '2021-06-08T09:47Z',
    profile: [
      [0, 0],
      [1, 0.85],
      [36, 0.85],
      [49, 0.05],
      [60, 0],
    ],
    causes: ['edge'],
    features: ['video'],
    regions: 'all',
    failures: [
      ['http-5xx', 9],
      ['connect', 1],
    ],
    trafficRatio: 0.3,
  },
  {
    id: 'cloudflare-features-file-2025',
    // Good and bad files took turns every five minutes at first; then all was bad until an old file was put back.
    source: 'https://blog.cloudflare.com/18-november-2025-outage/',
    beganAt: '2025-11-18T11:20Z',
    profile: [
      [0, 0],
      [1, 1],
      [5, 1],
      [5.5, 0.1],
      [10, 0.1],
      [10.5, 1],
      [15, 1],
      [15.5, 0.2],
      [20, 0.2],
      [20.5, 1],
      [190, 1],
      [200, 0.15],
      [346, 0],
    ],
    causes: ['edge', 'rollout'],
    features: ['video'],
    regions: 'all',
    failures: [
      ['http-5xx', 9],
      ['timeout', 1],
    ],
    trafficRatio: 0.4,
  },
  {
    id: 'cloudflare-prefixes-2022',
    // A change of routing policy withdrew the prefixes of 19 busy places; the first was back after 31 minutes, all after 75.
    source: 'https://blog.cloudflare.com/cloudflare-outage-on-june-21-2022/',
    beganAt: '2022-06-21T06:27Z',
    profile: [
      [0, 0],
      [1, 0.8],
      [31, 0.8],
      [75, 0],
    ],
    causes: ['edge', 'network'],
    features: ['video'],
    regions: ['eu', 'asia', 'us'],
    failures: [
      ['connect', 5],
      ['timeout', 5],
    ],
    trafficRatio: 0.3,
  },
  {
    id: 'cloudflare-expression-2019',
    // A new rule, rolled out everywhere at once, took all processor time; a global switch ended it.
    source: 'https://blog.cloudflare.com/details-of-the-cloudflare-outage-on-july-2-2019/',
    beganAt: '2019-07-02T13:42Z',
    profile: whole(27),
    causes: ['edge', 'rollout'],
    features: ['video'],
    regions: 'all',
    failures: [
      ['http-5xx', 9],
      ['timeout', 1],
    ],
    trafficRatio: 0.2,
    marker: ['configuration', 0],
  },
  {
    id: 'aws-dynamodb-names-2025',
    // A race emptied the name record of a database's endpoint in one region; names came back after two and a half hours.
    source: 'https://aws.amazon.com/message/101925/',
    beganAt: '2025-10-20T06:48Z',
    profile: [
      [0, 0],
      [2, 1],
      [157, 1],
      [165, 0.35],
      [500, 0.25],
      [870, 0],
    ],
    causes: ['dns'],
    features: 'all',
    regions: ['us'],
    failures: [
      ['dns-no-answer', 7],
      ['http-5xx', 3],
    ],
    trafficRatio: 0.3,
  },
  {
    id: 'aws-s3-2017',
    // A mistyped command removed more servers than meant; two systems had to start from nothing.
    source: 'https://aws.amazon.com/message/41926/',
    beganAt: '2017-02-28T17:37Z',
    profile: [
      [0, 0],
      [1, 1],
      [200, 1],
      [257, 0],
    ],
    causes: ['unknown', 'rollout'],
    features: ['video', 'upload'],
    regions: ['us'],
    failures: [
      ['http-5xx', 9],
      ['timeout', 1],
    ],
    trafficRatio: 0.3,
  },
  {
    id: 'google-service-control-2025',
    // A policy with blank fields crashed the check of every call, everywhere within seconds; most regions back within 40 minutes.
    source: 'https://status.cloud.google.com/incidents/ow5i3PPK96RduMcb1SsW',
    beganAt: '2025-06-12T17:49Z',
    profile: [
      [0, 0],
      [1, 1],
      [40, 1],
      [60, 0.4],
      [180, 0],
    ],
    causes: ['rollout'],
    features: 'all',
    regions: 'all',
    failures: [['http-5xx', 10]],
    trafficRatio: 0.4,
    marker: ['configuration', -4],
  },
  {
    id: 'google-sign-in-2020',
    // A quota of the identity service was cut by automation; whoever had to sign in could not.
    source: 'https://status.cloud.google.com/incident/zall/20013',
    beganAt: '2020-12-14T11:46Z',
    profile: whole(47),
    causes: ['unknown', 'rollout', 'overload'],
    features: ['sign-in', 'upload', 'comments'],
    regions: 'all',
    failures: [
      ['http-5xx', 8],
      ['http-4xx', 2],
    ],
    trafficRatio: 0.3,
  },
  {
    id: 'slack-2021',
    // Packet loss from six in the morning, Pacific time; from seven too few servers for the first working day; errors until 10:40.
    source: 'https://slack-status.com/2021-01-04',
    beganAt: '2021-01-04T14:00Z',
    profile: [
      [0, 0],
      [45, 0.2],
      [60, 1],
      [135, 1],
      [195, 0.4],
      [280, 0],
    ],
    causes: ['overload', 'network'],
    features: 'all',
    regions: 'all',
    failures: [
      ['timeout', 5],
      ['overloaded', 3],
      ['http-5xx', 3],
    ],
    trafficRatio: 1,
    surge: 2,
    diversity: 1,
    slowFactor: 6,
  },
  {
    id: 'dyn-2016',
    // Floods on a provider of names, first felt in the east of the United States.
    source: 'https://en.wikipedia.org/wiki/DDoS_attacks_on_Dyn',
    beganAt: '2016-10-21T11:10Z',
    profile: [
      [0, 0],
      [3, 0.9],
      [125, 0.9],
      [130, 0],
    ],
    causes: ['dns', 'attack'],
    features: 'all',
    regions: ['us'],
    failures: [
      ['dns-no-answer', 9],
      ['timeout', 1],
    ],
    trafficRatio: 0.3,
  },
  {
    id: 'github-flood-2018',
    // 1.35 Tb/s by amplification: gone for five minutes, on and off for four more.
    source: 'https://github.blog/2018-03-01-ddos-incident-report/',
    beganAt: '2018-02-28T17:21Z',
    profile: [
      [0, 0],
      [0.2, 1],
      [5, 1],
      [6, 0.5],
      [9, 0],
    ],
    causes: ['attack'],
    features: 'all',
    regions: 'all',
    failures: [
      ['timeout', 7],
      ['connect', 3],
    ],
    trafficRatio: 1,
    surge: 6,
    diversity: 0.1,
  },
  {
    id: 'tiktok-closed-2025',
    // The platform closed itself in one country for about fourteen hours; traffic fell by 85 %, and the store listing went.
    source: 'https://radar.cloudflare.com/',
    beganAt: '2025-01-19T03:30Z',
    profile: [
      [0, 0],
      [4, 1],
      [835, 1],
      [900, 0],
    ],
    causes: ['policy'],
    features: 'all',
    regions: ['us'],
    failures: [
      ['blocked-by-law', 6],
      ['store-listing-gone', 2],
      ['http-4xx', 2],
    ],
    trafficRatio: 0.1,
  },
  {
    id: 'rogers-2022',
    // A filter was removed in the middle of an upgrade, and a provider's core drowned: a country without its largest network.
    source: 'https://crtc.gc.ca/eng/publications/reports/xona2024.htm',
    beganAt: '2022-07-08T08:45Z',
    profile: [
      [0, 0],
      [3, 1],
      [840, 1],
      [960, 0],
    ],
    causes: ['network'],
    features: 'all',
    regions: ['us'],
    failures: [
      ['connect', 5],
      ['timeout', 5],
    ],
    trafficRatio: 0.4,
  },
]
