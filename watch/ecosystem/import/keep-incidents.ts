/** Puts the past incidents of a Statuspage into the store, as they were told there. Kept once, however often it is done. */
import type { OutageState } from '../../../engines/detect/types.ts'
import { WATCH } from '../../app/actor.ts'
import type { WatchCtx } from '../../app/context.ts'
import { WatchError } from '../../app/errors.ts'
import { componentId, stableId } from '../../app/ids.ts'
import {
  auditStatement,
  writeExplanation,
  writeIncident,
  writeUpdate,
  type IncidentRecord,
} from '../../incidents/index.ts'
import type { Statement } from '../../store/index.ts'
import type { Draft } from './draft.ts'
import { plainText } from './draft.ts'
import { statusWord, type PastIncident, type ReadStatuspage } from './statuspage.ts'

const TITLE_MAX_LENGTH = 200
const AUTHOR = 'statuspage'
/** Of the file when it says no other. */
const ONLY_REGION = 'world'

const STATES: Readonly<Record<string, OutageState>> = {
  investigating: 'confirmed',
  identified: 'identified',
  monitoring: 'recovering',
  resolved: 'resolved',
}

/** Answers how many are new and how many were there before. */
export async function keepIncidents(
  ctx: WatchCtx,
  { draft, incidents, featureOf }: Pick<ReadStatuspage, 'draft' | 'incidents' | 'featureOf'>,
): Promise<{ readonly added: number; readonly known: number }> {
  let added = 0
  let known = 0
  for (const incident of incidents) {
    try {
      await ctx.store.write(statementsOf(incident, draft, featureOf))
      added++
    } catch (error) {
      if (!(error instanceof WatchError && error.code === 'changed-meanwhile')) throw error
      known++
    }
  }
  if (added > 0)
    await ctx.store.write([
      auditStatement(ctx, {
        actor: WATCH,
        action: 'import-statuspage',
        subject: draft.id,
        facts: { incidents: added },
      }),
    ])
  return { added, known }
}

/** One unit: the incident with its updates, or nothing when it is there already. */
function statementsOf(
  incident: PastIncident,
  draft: Draft,
  featureOf: ReadonlyMap<string, string>,
): Statement[] {
  const updates = incident.incident_updates.toSorted((a, b) => toldAt(a) - toldAt(b))
  const record = recordOf(incident, updates, draft, featureOf)
  const postmortem = updates.findLast(({ status, body }) => status === 'postmortem' && body)
  let state: OutageState = 'confirmed'
  return [
    writeIncident(record, null),
    ...updates
      .filter(({ status }) => status !== 'postmortem')
      .map((update) => {
        state = STATES[update.status] ?? state
        return writeUpdate(record.id, {
          id: stableId(`import/${draft.id}/${incident.id}/${update.id}`),
          state,
          body: withoutBreaks(update.body ?? ''),
          atMs: toldAt(update),
          author: AUTHOR,
          affected: affectedOf(update, draft, featureOf),
        })
      }),
    ...(postmortem
      ? [
          writeExplanation(record.id, {
            body: withoutBreaks(postmortem.body!),
            at: toldAt(postmortem),
            author: AUTHOR,
          }),
        ]
      : []),
  ]
}

function recordOf(
  incident: PastIncident,
  updates: readonly PastUpdate[],
  draft: Draft,
  featureOf: ReadonlyMap<string, string>,
): IncidentRecord {
  const resolvedAtMs = incident.resolved_at!
  const identified = updates.find(({ status }) => status === 'identified')
  const featureIds = (incident.components ?? []).flatMap((component) => featureOf.get(component.id) ?? [])
  return {
    id: stableId(`import/${draft.id}/${incident.id}`),
    serviceId: draft.id,
    outageId: null,
    state: 'resolved',
    pinnedState: 'resolved',
    operatorCause: null,
    startedAtMs: incident.started_at ?? incident.created_at,
    // This watch confirmed nothing then: it owes no explanation and tells nobody.
    confirmedAtMs: null,
    resolvedAtMs,
    updatedAtMs: incident.updated_at ?? resolvedAtMs,
    mergedInto: null,
    facts: {
      title: plainText(incident.name, TITLE_MAX_LENGTH),
      isTitleByOperator: true,
      impact: incident.impact === 'maintenance' ? 'none' : incident.impact,
      causes: [],
      confidence: 1,
      contributions: {},
      featureIds: [...new Set(featureIds)],
      regions: [ONLY_REGION],
      detectedAtMs: incident.created_at,
      identifiedAtMs: identified ? toldAt(identified) : null,
      recoveringAtMs: incident.monitoring_at ?? null,
      relapses: 0,
      recovered: { cells: 0, of: 0 },
      forecast: null,
      officialLagMs: null,
    },
  }
}

type PastUpdate = PastIncident['incident_updates'][number]

const toldAt = ({ display_at, created_at }: PastUpdate): number => display_at ?? created_at

function affectedOf(update: PastUpdate, draft: Draft, featureOf: ReadonlyMap<string, string>) {
  return (update.affected_components ?? []).flatMap(({ code, old_status, new_status }) => {
    const feature = draft.features.find(({ id }) => id === featureOf.get(code))
    const [oldStatus, newStatus] = [statusWord(old_status), statusWord(new_status)]
    if (!feature || !oldStatus || !newStatus) return []
    return [{ code: componentId(draft.id, feature.id), name: feature.name, oldStatus, newStatus }]
  })
}

/** Statuspage breaks lines by HTML; here a text is plain. */
const withoutBreaks = (text: string): string => text.replace(/<br\s*\/?>/gi, '\n').trim()
