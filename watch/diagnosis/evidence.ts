/** What the watch can tell one person's browser: how it goes where they are, elsewhere, and for others with the same check. */
import {
  CAUSE_WORDS,
  declaredWords,
  likeThisOne,
  type IncidentView,
  type StatusView,
} from '../incidents/index.ts'
import { formatDuration } from '../pages/format.ts'
import type { EvidenceFact } from './browser/facts.ts'

/** Older evidence says nothing about now. */
const EVIDENCE_MAX_AGE_MS = 180_000
/** More than this share of the other regions, and "many" fail. */
const MANY_SHARE = 0.5

export interface EvidenceInput {
  readonly view: StatusView
  /** The person's region; null: not known, so nothing is said of it. */
  readonly regionId: string | null
  readonly peers: { readonly passed: number; readonly total: number } | null
  readonly now: Date
  readonly urlOf: (incidentId: string) => string
}

/** Shapes the evidence. Regions are judged by their worst feature. */
export function gatherEvidence({ view, regionId, peers, now, urlOf }: EvidenceInput): EvidenceFact {
  const isBlind = view.isBlind || view.asOfMs === null || now.getTime() - view.asOfMs > EVIDENCE_MAX_AGE_MS
  const regions = regionStates(view)
  // A service without regions of its own is judged as a whole.
  const own = regions.size === 1 ? [...regions.keys()][0]! : regionId
  const others = [...regions].filter(([id]) => regions.size === 1 || id !== own).map(([, states]) => states)
  const open = view.incidents.find(
    ({ resolvedAtMs, mergedInto, state }) =>
      resolvedAtMs === null && mergedInto === null && state !== 'suspected',
  )
  return {
    isBlind,
    here: judgeHere(own === null ? undefined : regions.get(own)),
    elsewhere: judgeElsewhere(others),
    isClosedHere: own !== null && (regions.get(own)?.states.every((state) => state === 'closed') ?? false),
    isPartial: view.indicator !== 'none' && view.indicator !== 'critical',
    failingFeatures: view.components
      .filter(({ regions: cells }) => cells.some(({ state }) => state === 'down' || state === 'recovering'))
      .map(({ name }) => name),
    incident: open
      ? {
          title: open.title,
          url: urlOf(open.id),
          cause: open.declared ? declaredWords(open.declared) : CAUSE_WORDS[open.cause],
          expected: describeExpected(open.forecast, open.updatedAtMs, now),
        }
      : null,
    regionName: own === null ? null : (regions.get(own)?.name ?? null),
    isOneRegion: regions.size === 1,
    peers,
  }
}

interface RegionSummary {
  readonly name: string
  readonly states: string[]
}

function regionStates(view: StatusView): Map<string, RegionSummary> {
  const regions = new Map<string, RegionSummary>()
  for (const component of view.components)
    for (const { id, name, state } of component.regions) {
      const known = regions.get(id)
      if (known) known.states.push(state)
      else regions.set(id, { name, states: [state] })
    }
  return regions
}

const isBroken = ({ states }: RegionSummary): boolean =>
  states.some((state) => state === 'down' || state === 'recovering')
const isUnknown = ({ states }: RegionSummary): boolean => states.every((state) => state === 'unknown')

function judgeHere(region: RegionSummary | undefined): EvidenceFact['here'] {
  if (!region || isUnknown(region)) return 'unknown'
  if (isBroken(region)) return 'failing'
  return region.states.includes('suspected') ? 'rising' : 'fine'
}

function judgeElsewhere(others: readonly RegionSummary[]): EvidenceFact['elsewhere'] {
  const known = others.filter((region) => !isUnknown(region))
  if (known.length === 0) return 'unknown'
  const broken = known.filter(isBroken).length
  if (broken === 0) return 'fine'
  return broken / known.length > MANY_SHARE ? 'many' : 'some'
}

function describeExpected(forecast: IncidentView['forecast'], fromMs: number, now: Date): string | null {
  if (forecast === null) return null
  const left = (ms: number) => formatDuration(Math.max(60_000, fromMs + ms - now.getTime()))
  const like = likeThisOne(forecast)
  return `${like.charAt(0).toLowerCase()}${like.slice(1)} about ${left(forecast.medianMs)} more, nine of ten between ${left(forecast.lowMs)} and ${left(forecast.highMs)}.`
}
