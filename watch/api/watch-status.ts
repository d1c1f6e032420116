/** The watch's own `status.json`: small, cacheable, and honest about suspicion, blindness and age. */
import type { DeclaredState, WatchStatus } from '../../contract/watch.ts'
import {
  adviceFor,
  type Declared,
  type IncidentView,
  type PeerView,
  type StatusView,
} from '../incidents/index.ts'

/** Components and regions in one answer: beyond this those that work are left out, so that a banner stays small. */
const FEATURES_MAX = 200
const EXPECTED_MIN_MS = 60_000
/** Beyond it a forecast is no news, and at last no date. */
const EXPECTED_MAX_MS = 3_660 * 86_400_000

export interface WatchStatusLinks {
  status(): string
  incident(id: string): string
  maintenance(id: string): string
}

/** Shapes the view for apps and embeds. `asOf` falls back to `now` only together with `isBlind`. */
export function toWatchStatus(view: StatusView, links: WatchStatusLinks, now: Date): WatchStatus {
  const isCrowded = view.components.length > FEATURES_MAX
  const features = isCrowded
    ? view.components
        .filter(({ status, state }) => status !== 'operational' || state !== 'up')
        .slice(0, FEATURES_MAX)
    : view.components
  const uncheckedSinceMs = uncheckedSinceOf(view)
  return {
    service: { id: view.service.id, name: view.service.name, statusUrl: links.status() },
    asOf: new Date(uncheckedSinceMs ?? view.asOfMs ?? now.getTime()).toISOString(),
    indicator: view.indicator,
    description: view.description,
    isBlind: view.isBlind || view.asOfMs === null || uncheckedSinceMs !== null,
    ...(view.declared && { declared: toDeclaredLevel(view.declared) }),
    features: features.map(({ slug, name, status, state, regions, declared }) => ({
      id: slug,
      name,
      status,
      state,
      regions: regions.map((region) => ({ id: region.id, state: region.state })),
      ...(declared && { declared: toDeclared(declared) }),
    })),
    incidents: view.incidents
      .filter(({ resolvedAtMs, mergedInto }) => resolvedAtMs === null && mergedInto === null)
      .map((incident) => ({
        id: incident.id,
        title: incident.title,
        state: incident.state,
        cause: incident.cause,
        causeProbability: incident.isCauseByOperator
          ? 1
          : (incident.causes.find(({ cause }) => cause === incident.cause)?.probability ?? 0),
        ...(incident.declared && { declared: toDeclared(incident.declared) }),
        features: [...incident.featureIds],
        regions: [...incident.regions],
        startedAt: new Date(incident.startedAtMs).toISOString(),
        expectedEndAt: expectedEndOf(incident, now),
        advice: adviceFor(incident.state, incident.cause),
        url: links.incident(incident.id),
        ...(incident.witnesses && {
          seenBy: incident.witnesses
            .filter(({ isAdopted }) => !isAdopted)
            .map(({ watch, isSelf, state }) => ({ watch, isSelf, state })),
        }),
      })),
    ...(view.peers && { peers: view.peers.map(toPeer) }),
    maintenances: view.maintenances
      .filter(({ status }) => status !== 'completed')
      .map((maintenance) => ({
        id: maintenance.id,
        title: maintenance.title,
        features: [...maintenance.featureIds],
        startsAt: new Date(maintenance.scheduledForMs).toISOString(),
        endsAt: new Date(maintenance.scheduledUntilMs).toISOString(),
        url: links.maintenance(maintenance.id),
      })),
  }
}

/** An app tells what stands in an incident with the age of what was seen of it; null: it was looked at since this start. */
const uncheckedSinceOf = ({ incidents }: StatusView): number | null =>
  incidents.find(({ uncheckedSinceMs }) => uncheckedSinceMs !== undefined)?.uncheckedSinceMs ?? null

const instant = (ms: number): string => new Date(ms).toISOString()

const toDeclared = ({ mode, reason, note, sinceMs, untilMs }: Declared): DeclaredState => ({
  mode,
  reason,
  note,
  since: instant(sinceMs),
  until: untilMs === null ? null : instant(untilMs),
})

const toDeclaredLevel = ({
  level,
  sinceMs,
  order,
}: NonNullable<StatusView['declared']>): NonNullable<WatchStatus['declared']> => ({
  level,
  since: instant(sinceMs),
  order: order && {
    level: order.level,
    reason: order.reason,
    since: instant(order.sinceMs),
    until: instant(order.untilMs),
  },
})

/** Nothing in it changes with every look: a reader sees by it that something did. */
const toPeer = (peer: PeerView): NonNullable<WatchStatus['peers']>[number] => ({
  watch: peer.watch,
  url: peer.url,
  isSilent: peer.isSilent,
  silentSince: peer.isSilent && peer.heardAtMs !== null ? new Date(peer.heardAtMs).toISOString() : null,
  indicator: peer.word?.indicator ?? null,
  description: peer.word?.description ?? null,
  isBlind: peer.word && (peer.word.isBlind || peer.word.asOfMs === null),
  disagreesOn: [...peer.disagreesOn],
})

/** When the service's operator has said; else the forecast's middle, never in the past: what should be over and isn't has at least a minute to go. */
function expectedEndOf(incident: IncidentView, now: Date): string | null {
  const untilMs = incident.declared?.untilMs ?? null
  if (untilMs !== null && untilMs > now.getTime())
    return instant(Math.min(untilMs, now.getTime() + EXPECTED_MAX_MS))
  if (incident.forecast === null) return null
  const nowMs = now.getTime()
  const expectedMs = incident.updatedAtMs + incident.forecast.medianMs
  const endMs = Math.min(Math.max(expectedMs, nowMs + EXPECTED_MIN_MS), nowMs + EXPECTED_MAX_MS)
  return new Date(endMs).toISOString()
}
