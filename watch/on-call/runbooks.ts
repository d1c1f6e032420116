/** What to do first, per cause: steps that fit any service. A service's file may say better (`onCall.runbooks`). */
import { CAUSES, type Cause } from '../../engines/detect/types.ts'
import type { ServiceEntry } from '../configuration/index.ts'

export interface Runbook {
  readonly cause: Cause
  readonly steps: readonly string[]
  /** The service's own, or what ships. */
  readonly isOwn: boolean
}

/** In plain words and in order: first what limits the harm, then what finds the reason. */
const SHIPPED: Readonly<Record<Cause, readonly string[]>> = {
  overload: [
    'Look at requests, queue lengths and saturation (processor, memory, connections) of the features that are down, and when they began to rise.',
    'Shed what nobody waits for: prefetching, rankings, exports, search. Keep playback and sign-in.',
    'Add capacity where it is quick, one layer at a time, the database last; see that each step relieves before the next.',
    'Lower retries and time limits of clients and of inner calls if they multiply the load.',
    'Find what brought the rise: an event, a campaign, a loop of retries, a slow query, a cold cache.',
    'Let traffic back slowly. Caches are cold, and everybody comes at once.',
  ],
  rollout: [
    'Name the last change: code, configuration, flag, model or data, and when it reached the features that are down.',
    'Take it back now; understand it afterwards. If it can’t be taken back, switch its flag off or route around it.',
    'Stop all other rollouts until this is over, and say so to those who make them.',
    'See on one instance that taking it back helps, then everywhere.',
    'Check what the change wrote meanwhile: data of a new shape, jobs in the queue, caches.',
  ],
  edge: [
    'Ask the origin directly, past the caches: if it answers well, the fault lies at the edge.',
    'Compare regions and providers: who fails, with which status, from when on?',
    'Take the last change of the edge’s configuration or certificate back.',
    'Move traffic to another edge or provider, a small share first; watch the load of the origin.',
    'Keep what is cached: do not purge everything, or the origin gets all of it at once.',
  ],
  dns: [
    'Ask several resolvers and the authoritative servers for the names that fail; compare answers, and how long they may be kept.',
    'Check that the domain is paid for, the delegation, DNSSEC signatures and the last change of the zone.',
    'Take a wrong change back. Wrong answers stay in caches as long as their time to live says: tell people until when.',
    'If the provider of the zone is down, answer from the second one; if there is none, that is the first follow-up.',
    'Check that what runs inside does not depend on the same names.',
  ],
  network: [
    'See who can’t reach it: one network, one country, one provider of ours? The reports by network tell.',
    'Check our own links and the notices of our providers and of the exchange points.',
    'Route around it: another uplink, another region, another name.',
    'Open a ticket with the provider, with traces from both sides and the time it began.',
    'Tell people who are affected that another network helps, if it does.',
  ],
  attack: [
    'Turn on the protection that is prepared: stricter limits, proof of work for strangers, the provider’s filter.',
    'Find what the requests have in common (path, network, agent) and block that as far out as possible.',
    'Keep known users unaffected: check sign-in and playback for them after each rule.',
    'Look for a second aim behind the noise: sign-ins, exports, changes of accounts and of permissions.',
    'Keep the evidence: logs, samples of traffic, times. If data may be out, call whoever answers for privacy: deadlines run.',
    'Say little in public of how you defend.',
  ],
  policy: [
    'Find out whose decision it is: ours, an authority’s, a provider’s, a store’s. This is no fault to be mended by engineers.',
    'Call whoever answers for law and policy, and communications.',
    'See that people read why, and not an error: the message of a closed region (HTTP 451).',
    'Check that nothing outside the region or feature is hit with it.',
    'If it is blocked by others, collect from which networks and how, for those who will talk with them.',
  ],
  maintenance: [
    'Ask who does the work: does it go as planned, and until when?',
    'If it takes longer or hits more than was announced, lengthen the window and tell people now.',
    'Decide at the agreed point whether to go on or back.',
    'Check each feature after it, before the window is closed.',
  ],
  local: [
    'Our checks see no fault. Look at where the reports come from: one network, one device, one version of the app?',
    'Try it the way those people do, from there if you can.',
    'If it is an old version of the app, see whether a change of ours broke it.',
    'Answer those who reported it with the page “is it down, or is it me?”.',
  ],
  unknown: [
    'Say in one sentence what does not work, for whom, since when; write it into the first update.',
    'Ask what changed: releases, configuration, certificates, traffic, providers, in the hour before it began.',
    'Go along the way of one request that fails, from the outside in, and find the first place that is wrong.',
    'Limit the harm before the reason is known: take the last change back, shed load, move traffic.',
    'Give two people one suspicion each. After 15 minutes without news, call for more hands.',
    'Post an update every 30 minutes, even if there is nothing new.',
  ],
}

/** What to do about this cause of this service. */
export function runbookOf(entry: ServiceEntry | undefined, cause: Cause): Runbook {
  const own = entry?.onCall.runbooks[cause]
  return { cause, steps: own ?? SHIPPED[cause], isOwn: own !== undefined }
}

/** Of the cause that is named, or of all that are likely enough to look into, most likely first. */
export function runbooksFor(
  entry: ServiceEntry | undefined,
  incident: {
    readonly cause: Cause
    readonly causes: readonly { readonly cause: Cause; readonly probability: number }[]
  },
): Runbook[] {
  const likely = incident.causes
    .filter(({ probability }) => probability >= LIKELY_FROM)
    .map(({ cause }) => cause)
  const causes = new Set<Cause>([incident.cause, ...likely])
  return [...causes].slice(0, SHOWN_MAX).map((cause) => runbookOf(entry, cause))
}

const LIKELY_FROM = 0.15
const SHOWN_MAX = 3

/** For the table of all of them. */
export const allRunbooks = (entry: ServiceEntry | undefined): Runbook[] =>
  CAUSES.map((cause) => runbookOf(entry, cause))
