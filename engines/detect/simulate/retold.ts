/** From a public incident to a simulated world in which it happens. */
import { usualWeather } from './month.ts'
import { createSeededRandom } from './random.ts'
import type { Retold } from './retold-incidents.ts'
import { createService } from './services.ts'
import {
  DAY_MS,
  HOUR_MS,
  MINUTE_MS,
  type Profile,
  type SimulatedOutage,
  type Size,
  type World,
} from './world.ts'

const WARM_UP_DAYS = 8

/** One service that has been watched for eight days when the incident happens to it, at its own hour of its own weekday. */
export function createRetold(retold: Retold, input: { seed: number; size: Size }): World {
  const random = createSeededRandom(input.seed).fork(retold.id)
  const service = createService(input.size, [], random)
  const beganMs = Date.parse(retold.beganAt)
  const startMs = Math.floor(beganMs / DAY_MS - WARM_UP_DAYS) * DAY_MS
  const lastMs = beganMs + retold.profile.at(-1)![0] * MINUTE_MS
  const profile: Profile = retold.profile.map(([minute, strength]) => [
    beganMs + minute * MINUTE_MS,
    strength,
  ])
  const features = service.model.features.map(({ id }) => id)
  const outage: SimulatedOutage = {
    serviceId: service.model.id,
    cause: retold.causes[0]!,
    featureIds: retold.features === 'all' ? features : retold.features,
    regions: retold.regions === 'all' ? service.model.regions : retold.regions,
    profile,
    reportFactor: 15,
    probeFailure: retold.probeFailure ?? 1,
    probeAsn: null,
    failures: retold.failures,
    trafficRatio: retold.trafficRatio,
    errorRate: retold.failures.some(([failure]) => failure === 'http-5xx') ? 0.6 : 0.01,
    surge: retold.surge ?? 1,
    diversity: retold.diversity ?? 0.95,
    slowFactor: retold.slowFactor ?? 1,
    chatterFactor: 12,
    asn: null,
    clientVersion: null,
    isMajor: true,
  }
  const marker = retold.marker
  return {
    seed: input.seed,
    startMs,
    endMs: lastMs + 2 * HOUR_MS,
    services: [service],
    outages: [outage],
    noises: [],
    words: [],
    markers:
      marker === undefined
        ? []
        : [
            {
              kind: 'marker',
              serviceId: service.model.id,
              atMs: beganMs + marker[1] * MINUTE_MS,
              what: marker[0],
              featureIds: [],
              regions: [],
            },
          ],
    weather: usualWeather(random.fork('weather'), startMs, WARM_UP_DAYS),
    mixUps: new Map(),
  }
}
