/** What an outage, as the detector knows it, makes of its incident: the new record, and whether people are told. Pure. */
import { isDeepStrictEqual } from 'node:util'
import { OUTAGE_STATES, type Cause, type Outage, type OutageState } from '../../engines/detect/types.ts'
import { incidentIdOf } from '../app/ids.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { impactOf, isWorse, worstImpactOf } from './component-status.ts'
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

export interface Applied {
  readonly record: IncidentRecord
  /** Null: only figures moved. */
  readonly update: { readonly state: OutageState; readonly body: string } | null
}

/** What is applied to an incident, and where it is seen from. */
export interface Seen {
  readonly outage: Outage
  /** Since when it has been seen open, by this process. */
  readonly openSinceMs: number
  readonly atMs: number
  readonly entry: ServiceEntry
  readonly statuses: ReadonlyMap<string, ComponentStatus>
}

/** The detector takes so long at most to see again that it was over, when it goes on from a memory that is older than that. */
const REOPENS_AFTER_MS = 5 * 60_000

const rank = (state: OutageState): number => OUTAGE_STATES.indexOf(state)

/**
 * Brings the incident that tells of the outage up to how the outage is now. Null: it is so already, or is not to change, for
 * instance since an operator has closed or merged it.
 */
export function applyOutage(before: IncidentRecord | null, seen: Seen): Applied | null {
  const { outage, atMs, entry, statuses } = seen
  if (before?.mergedInto) return null
  // A suspicion that came and went unseen is nothing to tell.
  if (before === null && outage.state === 'resolved' && outage.confirmedAtMs === null) return null
  const wasOver = before !== null && before.resolvedAtMs !== null
  if (wasOver && !isBrokenAgain(before, seen)) return null
  const pinned = wasOver ? null : (before?.pinnedState ?? null)
  const state = stateOf(outage, before, pinned)
  const operatorCause = before?.operatorCause ?? null
  const startedAtMs = Math.min(before?.startedAtMs ?? Infinity, outage.onset.medianMs)
  const wording = { ...wordingOf(outage, operatorCause, entry), startedAtMs }
  const confirmedAtMs =
    before?.confirmedAtMs ?? outage.confirmedAtMs ?? (rank(state) >= 1 && state !== 'resolved' ? atMs : null)
  const record: IncidentRecord = {
    id: before?.id ?? incidentIdOf(outage.id),
    serviceId: outage.serviceId,
    outageId: outage.id,
    state,
    pinnedState: pinned,
    operatorCause,
    startedAtMs,
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
      detectedAtMs: Math.min(before?.facts.detectedAtMs ?? Infinity, outage.detectedAtMs),
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
  const update = updateFor(before, record, wording, atMs)
  return update === null && before !== null && isSameButForTime(before, record) ? null : { record, update }
}

/** Whether an incident that is over has to open again. */
function isBrokenAgain(before: IncidentRecord, { outage, openSinceMs, atMs }: Seen): boolean {
  if (outage.state === 'resolved') return false
  if (outage.relapses > before.facts.relapses) return true
  // An operator's word that it is over stands until it breaks again.
  if (before.pinnedState === 'resolved') return false
  return atMs - Math.max(before.resolvedAtMs!, openSinceMs) >= REOPENS_AFTER_MS
}

/** The detector goes on beyond what an operator set, and not back before it; what was confirmed is never just suspected. */
function stateOf(outage: Outage, before: IncidentRecord | null, pinned: OutageState | null): OutageState {
  const least = pinned ?? (before !== null && before.confirmedAtMs !== null ? 'confirmed' : 'suspected')
  return rank(outage.state) >= rank(least) ? outage.state : least
}

const isSameButForTime = (before: IncidentRecord, after: IncidentRecord): boolean =>
  isDeepStrictEqual({ ...before, updatedAtMs: 0 }, { ...after, updatedAtMs: 0 })

function updateFor(
  before: IncidentRecord | null,
  after: IncidentRecord,
  wording: Wording,
  atMs: number,
): Applied['update'] {
  const { state } = after
  if (before !== null && before.resolvedAtMs !== null) return { state, body: relapseBody(wording) }
  if (!before || before.state !== state) {
    if (state === 'resolved' && after.confirmedAtMs === null) return { state, body: unconfirmedBody(wording) }
    return { state, body: bodyOf(state, wording, after.resolvedAtMs ?? atMs) }
  }
  if (state === 'suspected' || state === 'resolved') return null
  const isWider =
    after.facts.featureIds.length > before.facts.featureIds.length ||
    after.facts.regions.length > before.facts.regions.length
  if (isWider) return { state, body: scopeBody(wording) }
  const named = namedCause(after)
  if (named !== null && named !== namedCause(before))
    return { state, body: bodyOf('identified', wording, atMs) }
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
  return worstImpactOf([impactOf(worst), before?.facts.impact ?? 'none'])
}

/** Whatever was hit stays named: what is back shows in the components. */
const mergeIds = (before: readonly string[] | undefined, now: readonly string[]): string[] => [
  ...new Set([...(before ?? []), ...now]),
]
