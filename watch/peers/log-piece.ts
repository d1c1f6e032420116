/** What this watch tells another: a bounded piece of all that changed here, and how its services are. */
import type { WatchCtx } from '../app/context.ts'
import { findIncident, indicatorOf, toView } from '../incidents/index.ts'
import { toStatement, type Origin } from './own-statements.ts'
import {
  CLOSINGS_MAX,
  STATEMENTS_MAX,
  STATEMENTS_MAX_BYTES,
  VIEW_MAX_BYTES,
  VIEW_MAX_FEATURES,
  VIEW_MAX_SERVICES,
  type PeerMessage,
  type ServiceWord,
} from './protocol.ts'
import { findClosing, lastSeq, listLog, type LogLine } from './records.ts'
import { IncidentStatement, type Closing } from './statement.ts'

/** What this watch said anew after `fromSeq`, as much as one message takes: others speak for themselves. */
export function readPiece(ctx: WatchCtx, self: Origin, fromSeq: number): PeerMessage['log'] {
  const statements: IncidentStatement[] = []
  const closings: Closing[] = []
  let [bytes, toSeq] = [0, fromSeq]
  const last = lastSeq(ctx.store)
  for (const line of listLog(ctx.store, fromSeq, STATEMENTS_MAX + CLOSINGS_MAX)) {
    const said = read(ctx, self, line)
    if ('closing' in said) {
      if (closings.length === CLOSINGS_MAX) break
      if (said.closing) closings.push(said.closing)
    } else if (said.statement) {
      bytes += Buffer.byteLength(JSON.stringify(said.statement))
      if (statements.length === STATEMENTS_MAX || bytes > STATEMENTS_MAX_BYTES) break
      statements.push(said.statement)
    }
    toSeq = line.seq
  }
  return { fromSeq, toSeq, isMore: toSeq < last, statements, closings }
}

function read(
  ctx: WatchCtx,
  self: Origin,
  { origin, incidentId, by }: LogLine,
): { readonly statement: IncidentStatement | null } | { readonly closing: Closing | null } {
  if (by !== '')
    return { closing: by === self.origin ? findClosing(ctx.store, { origin, incidentId, by }) : null }
  if (origin !== '') return { statement: null }
  const record = findIncident(ctx.store, incidentId)
  if (!record) return { statement: null }
  const parsed = IncidentStatement.safeParse(toStatement(ctx, { record, view: toView(ctx, record) }, self))
  // One that the other would refuse must not keep back those behind it.
  if (!parsed.success) ctx.log.error({ err: parsed.error, incidentId }, 'peers.incident-not-told')
  return { statement: parsed.success ? parsed.data : null }
}

/** How each service is, as this watch alone sees it. Of large ones the features that fail come first. */
export function readWords(ctx: WatchCtx): ServiceWord[] {
  const words: ServiceWord[] = []
  let bytes = 0
  for (const entry of ctx.catalog.services().slice(0, VIEW_MAX_SERVICES)) {
    const now = ctx.live.components(entry.id)
    const features = entry.features.map(({ id, essential }) => {
      const { status = 'operational', state = 'unknown' } = now.get(id) ?? {}
      return { id, status, state, essential } as const
    })
    const failingFirst = features.toSorted(
      (a, b) => Number(a.status === 'operational') - Number(b.status === 'operational'),
    )
    const word: ServiceWord = {
      serviceId: entry.id,
      asOfMs: ctx.live.asOfMs(entry.id),
      isBlind: ctx.live.isBlind(entry.id),
      ...indicatorOf(features),
      features: failingFirst
        .slice(0, VIEW_MAX_FEATURES)
        .map(({ id, status, state }) => ({ id, status, state })),
    }
    bytes += Buffer.byteLength(JSON.stringify(word))
    if (bytes > VIEW_MAX_BYTES) break
    words.push(word)
  }
  return words
}
