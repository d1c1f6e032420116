/** What an outage, as the detector knows it, makes of its incident: the new record, and whether people are told. Pure. */
import { isDeepStrictEqual } from 'node:util'
import type { Reason } from '../../contract/state.ts'
import { OUTAGE_STATES, type Cause, type Outage, type OutageState } from '../../engines/detect/types.ts'
import { incidentIdOf } from '../app/ids.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { impactOf, isWorse, worstImpactOf } from './component-status.ts'
import { joinSteps, worstDeclared, type Declared, type DeclaredView } from './declared.ts'
import type { IncidentRecord } from './records.ts'
import type { IncidentView } from './views.ts'
import {
  bodyOf,
  CAUSE_NAMED_FROM,
  declaredBody,
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
  /** What the service declares of itself; null or missing: nothing. */
  readonly told?: DeclaredView | null
}

/** The detector takes so long at most to see again that it was over, when it goes on from a memory that is older than that. */
const REOPENS_AFTER_MS = 5 * 60_000

const MINUTE_MS = 60_000
const DECLARED_OUTLIVES_MS = 4 * MINUTE_MS

const rank = (state: OutageState): number => OUTAGE_STATES.indexOf(state)

/**
 * Brings the incident that tells of the outage up to how the outage is now. Null: it is so already, or is not to change, for
 * instance since an operator has closed or merged it.
 */
export function applyOutage(before: IncidentRecord | null, seen: Seen): Applied | null {
  const { outage, atMs, entry, statuses } = seen
  // What was not looked at since a restart is as it was written down.
  if (before?.mergedInto || outage.isUnchecked) return null
  // A suspicion that came and went unseen is nothing to tell.
  if (before === null && outage.state === 'resolved' && outage.confirmedAtMs === null) return null
  const wasOver = before !== null && before.resolvedAtMs !== null
  if (wasOver && !isBrokenAgain(before, seen)) return null
  const pinned = wasOver ? null : (before?.pinnedState ?? null)
  const state = stateOf(outage, before, pinned)
  const operatorCause = before?.operatorCause ?? null
  const startedAtMs = Math.min(before?.startedAtMs ?? Infinity, outage.onset.medianMs)
  const { declared, declaredAtMs } = declaredIn(before, seen, state)
  const wording = { ...wordingOf(outage, operatorCause, entry), startedAtMs, declared }
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
      ...(seen.told != null || before?.facts.restoration
        ? { declared, declaredAtMs, restoration: stepsSince(startedAtMs, before, seen) }
        : {}),
    },
  }
  const update = updateFor(before, record, wording, atMs)
  return update === null && before !== null && isSameButForTime(before, record) ? null : { record, update }
}

/**
 * What the service says now; and for a while after it has ceased to, or once it comes back, what it said before: that it works
 * again is seen later than it is said.
 */
function declaredIn(
  before: IncidentRecord | null,
  { told, outage, atMs }: Seen,
  state: OutageState,
): { readonly declared: Declared | null; readonly declaredAtMs: number | null } {
  const { declared: known = null, declaredAtMs = null } = before?.facts ?? {}
  const isAtTheEnd = state === 'recovering' || state === 'resolved'
  const now = isAtTheEnd && known !== null ? null : worstDeclared(told ?? null, outage.featureIds)
  if (now !== null) return { declared: now, declaredAtMs: atMs - (atMs % MINUTE_MS) }
  const holds = isAtTheEnd || (declaredAtMs !== null && atMs - declaredAtMs < DECLARED_OUTLIVES_MS)
  return holds ? { declared: known, declaredAtMs } : { declared: null, declaredAtMs: null }
}

/** What was told of the way back since it began. */
const stepsSince = (startedAtMs: number, before: IncidentRecord | null, { told }: Seen) =>
  joinSteps(
    before?.facts.restoration ?? [],
    told?.restoration.filter(({ atMs }) => atMs >= startedAtMs) ?? [],
  )

/** Whether an incident that is over has to open again. */
function isBrokenAgain(before: IncidentRecord, { outage, openSinceMs, atMs }: Seen): boolean {
  if (outage.state === 'resolved' || outage.isUnaccused) return false
  if (outage.relapses > before.facts.relapses) return true
  // An operator's word that it is over stands until it breaks again.
  if (before.pinnedState === 'resolved') return false
  return atMs - Math.max(before.resolvedAtMs!, openSinceMs) >= REOPENS_AFTER_MS
}

/** The detector goes on beyond what an operator set, and not back before it; what was confirmed is never just suspected. */
function stateOf(outage: Outage, before: IncidentRecord | null, pinned: OutageState | null): OutageState {
  const floor = pinned ?? (before !== null && before.confirmedAtMs !== null ? 'confirmed' : 'suspected')
  // The detector's memory is older than the record: nothing has failed again since.
  const isKept = outage.isUnaccused && before !== null && rank(before.state) > rank(floor)
  const least = isKept ? before.state : floor
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
  const { declared } = after.facts
  if (declared && after.operatorCause === null && isOtherWord(declared, before.facts.declared))
    return { state, body: declaredBody(declared) }
  return null
}

const isOtherWord = (now: Declared, before: Declared | null | undefined): boolean =>
  now.reason !== before?.reason || now.note !== before.note

/** The cause that people are told; null: none is sure enough. */
export function namedCause(record: IncidentRecord): Cause | null {
  if (record.operatorCause) return record.operatorCause
  const { declared } = record.facts
  // The service has said why: what the signs alone would make of it is a guess.
  if (declared?.reason) return CAUSE_OF_REASON[declared.reason] ?? null
  const [first] = record.facts.causes
  return first && first.cause !== 'unknown' && first.probability >= CAUSE_NAMED_FROM ? first.cause : null
}

/** What a service's own reason means as a cause; others name a part that is away, and not why. */
const CAUSE_OF_REASON: Readonly<Partial<Record<Reason, Cause>>> = {
  overload: 'overload',
  maintenance: 'maintenance',
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
