/** What a detector's event makes of an incident: the new record, and whether people are told. Pure. */
import {
  OUTAGE_STATES,
  type Cause,
  type DetectorEvent,
  type Outage,
  type OutageState,
} from '../../engines/detect/types.ts'
import { incidentIdOf } from '../app/ids.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { impactOf, isWorse } from './component-status.ts'
import type { IncidentRecord } from './records.ts'
import type { IncidentView } from './views.ts'
import {
  bodyOf,
  CAUSE_NAMED_FROM,
  relapseBody,
  scopeBody,
  titleOf,
  unconfirmedBody,
  type Wording,
} from './words.ts'
import type { ComponentStatus } from '../../contract/watch.ts'

export type OutageEvent = Exclude<DetectorEvent, { kind: 'collateral' }>

export interface Applied {
  readonly record: IncidentRecord
  /** Null: only figures moved. */
  readonly update: { readonly state: OutageState; readonly body: string } | null
}

const rank = (state: OutageState): number => OUTAGE_STATES.indexOf(state)

/**
 * Applies an event to the incident that tells of its outage. Null: it changes nothing, for instance since an operator
 * has closed or merged the incident.
 */
export function applyOutage(
  before: IncidentRecord | null,
  event: OutageEvent,
  entry: ServiceEntry,
  statuses: ReadonlyMap<string, ComponentStatus>,
): Applied | null {
  const { outage, atMs } = event
  if (before?.mergedInto) return null
  const isRelapse = event.kind === 'outage-relapsed'
  // An operator's word that it is over stands until it breaks again.
  if (before?.resolvedAtMs && before.pinnedState === 'resolved' && !isRelapse) return null
  const pinned = isRelapse ? null : (before?.pinnedState ?? null)
  const state = stateOf(outage, pinned)
  const operatorCause = before?.operatorCause ?? null
  const wording = wordingOf(outage, operatorCause, entry)
  const confirmedAtMs =
    before?.confirmedAtMs ?? outage.confirmedAtMs ?? (rank(state) >= 1 && state !== 'resolved' ? atMs : null)
  const record: IncidentRecord = {
    id: before?.id ?? incidentIdOf(outage.id),
    serviceId: outage.serviceId,
    outageId: outage.id,
    state,
    pinnedState: pinned,
    operatorCause,
    startedAtMs: outage.onset.medianMs,
    confirmedAtMs,
    resolvedAtMs: state === 'resolved' ? (outage.resolvedAtMs ?? atMs) : null,
    updatedAtMs: Math.max(atMs, (before?.updatedAtMs ?? 0) + 1),
    mergedInto: null,
    facts: {
      title: before?.facts.isTitleByOperator ? before.facts.title : titleOf(wording),
      isTitleByOperator: before?.facts.isTitleByOperator ?? false,
      impact: worstImpact(before, outage, statuses),
      causes: outage.causes,
      confidence: outage.confidence,
      contributions: outage.contributions,
      featureIds: mergeIds(before?.facts.featureIds, outage.featureIds),
      regions: mergeIds(before?.facts.regions, outage.regions),
      detectedAtMs: outage.detectedAtMs,
      identifiedAtMs:
        before?.facts.identifiedAtMs ??
        (rank(state) >= rank('identified') && state !== 'resolved' ? atMs : null),
      recoveringAtMs: outage.recoveringSinceMs,
      relapses: outage.relapses,
      recovered: outage.recovered,
      forecast: outage.remaining,
      officialLagMs: before?.facts.officialLagMs ?? null,
    },
  }
  return { record, update: updateFor(before, record, wording, event) }
}

/** The detector goes on beyond what an operator set, and not back before it. */
function stateOf(outage: Outage, pinned: OutageState | null): OutageState {
  if (pinned === null || rank(outage.state) >= rank(pinned)) return outage.state
  return pinned
}

function updateFor(
  before: IncidentRecord | null,
  after: IncidentRecord,
  wording: Wording,
  event: OutageEvent,
): Applied['update'] {
  const { state } = after
  if (event.kind === 'outage-relapsed') return { state, body: relapseBody(wording) }
  if (!before || before.state !== state) {
    if (state === 'resolved' && after.confirmedAtMs === null) return { state, body: unconfirmedBody(wording) }
    return { state, body: bodyOf(state, wording, after.resolvedAtMs ?? event.atMs) }
  }
  if (state === 'suspected' || state === 'resolved') return null
  const isWider =
    after.facts.featureIds.length > before.facts.featureIds.length ||
    after.facts.regions.length > before.facts.regions.length
  if (isWider) return { state, body: scopeBody(wording) }
  const named = namedCause(after)
  if (named !== null && named !== namedCause(before))
    return { state, body: bodyOf('identified', wording, event.atMs) }
  return null
}

/** The cause that people are told; null: none is sure enough. */
export function namedCause(record: IncidentRecord): Cause | null {
  if (record.operatorCause) return record.operatorCause
  const [first] = record.facts.causes
  return first && first.cause !== 'unknown' && first.probability >= CAUSE_NAMED_FROM ? first.cause : null
}

/** What words need of an outage, with features and regions by their names. */
export function wordingOf(outage: Outage, operatorCause: Cause | null, entry: ServiceEntry): Wording {
  const [first] = outage.causes
  return {
    ...namesOf(entry, outage.featureIds, outage.regions),
    cause: operatorCause ?? first?.cause ?? 'unknown',
    causeProbability: operatorCause ? 1 : (first?.probability ?? 0),
    isCauseByOperator: operatorCause !== null,
    contributions: outage.contributions,
    startedAtMs: outage.onset.medianMs,
    recovered: outage.recovered,
    forecast: outage.remaining,
  }
}

/** Names in the catalogue's order; all regions, or the only one, are named by nothing. */
export function namesOf(
  entry: ServiceEntry,
  featureIds: readonly string[],
  regions: readonly string[],
): { readonly features: string[]; readonly regions: string[] } {
  const [wanted, wantedRegions] = [new Set(featureIds), new Set(regions)]
  const features = entry.features.filter(({ id }) => wanted.has(id)).map(({ name }) => name)
  const hit = entry.regions.filter(({ id }) => wantedRegions.has(id)).map(({ name }) => name)
  return {
    features: features.length === entry.features.length && features.length > 1 ? [entry.name] : features,
    regions: hit.length === entry.regions.length ? [] : hit,
  }
}

function worstImpact(
  before: IncidentRecord | null,
  outage: Outage,
  statuses: ReadonlyMap<string, ComponentStatus>,
): IncidentView['impact'] {
  let worst: ComponentStatus = 'operational'
  for (const id of outage.featureIds) {
    const status = statuses.get(id) ?? 'operational'
    if (status !== 'under_maintenance' && isWorse(status, worst)) worst = status
  }
  const order: readonly IncidentView['impact'][] = ['none', 'minor', 'major', 'critical']
  const now = impactOf(worst)
  return order[Math.max(order.indexOf(now), order.indexOf(before?.facts.impact ?? 'none'))]!
}

/** Whatever was hit stays named: what is back shows in the components. */
const mergeIds = (before: readonly string[] | undefined, now: readonly string[]): string[] => [
  ...new Set([...(before ?? []), ...now]),
]
