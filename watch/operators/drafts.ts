/** Texts that operators begin with: updates from the templates, and the explanation that an incident's evidence makes. Pure. */
import type { OutageState } from '../../engines/detect/types.ts'
import {
  bodyOf,
  CAUSE_WORDS,
  duration,
  type IncidentView,
  joinNames,
  type StatusView,
} from '../incidents/index.ts'
import { describeImpact, type FollowUp, type Impact } from '../follow-up/index.ts'
import { signalWords } from '../pages/words.ts'
import type { SignalKind } from '../../engines/detect/types.ts'

/** The template's text for this state, as the watch itself would write it. */
export function draftUpdate(
  incident: IncidentView,
  view: StatusView,
  state: OutageState,
  nowMs: number,
): string {
  const probability = incident.causes.find(({ cause }) => cause === incident.cause)?.probability ?? 0
  return bodyOf(
    state,
    {
      features: featureNames(incident, view),
      regions: regionNames(incident, view),
      cause: incident.cause,
      causeProbability: probability,
      isCauseByOperator: incident.isCauseByOperator,
      contributions: incident.contributions,
      startedAtMs: incident.startedAtMs,
      recovered: incident.recovered,
      forecast: incident.forecast,
    },
    nowMs,
  )
}

/** What happened, from the evidence alone; what only people know is left as a question in square brackets. */
export function draftExplanation(
  incident: IncidentView,
  view: StatusView,
  after: { readonly impact: Impact; readonly followUps: readonly FollowUp[] },
): string {
  const at = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
  const since = (ms: number | null) => (ms === null ? 'unknown' : duration(ms - incident.startedAtMs))
  const shown = (Object.entries(incident.contributions) as [SignalKind, number][])
    .filter(([, weight]) => weight > 0)
    .map(([kind]) => signalWords[kind].toLowerCase())
  return [
    `From ${at(incident.startedAtMs)} UTC${incident.resolvedAtMs === null ? ' on' : ` until ${at(incident.resolvedAtMs)} UTC (${since(incident.resolvedAtMs)})`}, ${joinNames(featureNames(incident, view))} did not work${incident.regions.length > 0 ? ` in ${joinNames(regionNames(incident, view))}` : ''}.`,
    `Cause: ${CAUSE_WORDS[incident.cause]}. [What exactly happened, and why was it possible?]`,
    `It was found after ${since(incident.detectedAtMs)}, confirmed after ${since(incident.confirmedAtMs)}${incident.recoveringAtMs === null ? '' : `, and began to recover after ${since(incident.recoveringAtMs)}`}.${shown.length > 0 ? ` It was shown by ${joinNames(shown)}.` : ''}${describeLag(incident, view)}`,
    describeImpact(after.impact),
    `Timeline:\n${incident.updates
      .toReversed()
      .map(({ atMs, body }) => `${at(atMs)} ${body}`)
      .join('\n')}`,
    after.followUps.length === 0
      ? '[What is done so that it does not happen again, by whom, until when?]'
      : `What is done so that it does not happen again:\n${after.followUps.map(describeFollowUp).join('\n')}`,
  ].join('\n\n')
}

/** How long the service took to say so itself; unknown stays unknown, with the reason. */
function describeLag({ officialLagMs }: IncidentView, { officialWord }: StatusView): string {
  if (officialLagMs !== null) return ` The service said so itself after ${duration(officialLagMs)}.`
  return officialWord === null
    ? ' When the service said so itself is unknown: it publishes nothing that is read here.'
    : ' The service did not say so itself.'
}

const describeFollowUp = ({ text, dueOn, doneAtMs }: FollowUp): string =>
  `– ${text} (${doneAtMs !== null ? 'done' : dueOn === null ? 'open' : `until ${dueOn}`})`

const featureNames = (incident: IncidentView, view: StatusView): string[] =>
  incident.featureIds.map((id) => view.components.find(({ slug }) => slug === id)?.name ?? id)

function regionNames(incident: IncidentView, view: StatusView): string[] {
  const names = new Map(view.components.flatMap(({ regions }) => regions.map(({ id, name }) => [id, name])))
  return incident.regions.length >= names.size ? [] : incident.regions.map((id) => names.get(id) ?? id)
}
