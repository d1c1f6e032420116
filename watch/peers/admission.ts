/**
 * What of a message is kept: words that can be true, of services that are watched here, in a bounded room. Whoever is
 * known by a key is heard, and neither speaks for anybody else nor fills the disk.
 */
import type { WatchCtx } from '../app/context.ts'
import { MAX_SKEW_MS } from '../http/signature.ts'
import { findIncident } from '../incidents/index.ts'
import type { Statement as SqlStatement } from '../store/index.ts'
import type { Origin } from './own-statements.ts'
import type { PeerMessage } from './protocol.ts'
import { findPeer, findStatement, keepNewestSql } from './records.ts'
import { readHearing } from './silence.ts'
import { latestTimeOf, type Closing, type IncidentStatement } from './statement.ts'

/** Of one watch; beyond it those that are over go, and of these what changed the longest ago. */
export const STATEMENTS_KEPT = 5_000
/** Of one watch and one service that are not over: what it said of last stays. */
export const OPEN_KEPT = 60

export interface Admitted {
  readonly statements: readonly IncidentStatement[]
  readonly closings: readonly Closing[]
}

/** Those words of a message that count here; the others are passed over. Whoever signed it speaks for itself alone. */
export function admitWords(ctx: WatchCtx, self: Origin, { watch, log }: PeerMessage): Admitted {
  const untilMs = ctx.clock.now().getTime() + MAX_SKEW_MS
  const statements = log.statements.filter(
    (statement) =>
      statement.origin === watch.id &&
      statement.epoch === watch.epoch &&
      ctx.catalog.find(statement.serviceId) &&
      latestTimeOf(statement) <= untilMs,
  )
  const closings = log.closings.filter(
    (closing) =>
      closing.by === watch.id &&
      closing.origin !== watch.id &&
      Math.max(closing.ofVersion, closing.atMs) <= untilMs &&
      answersWhatWasSaid(ctx, self, closing),
  )
  return { statements, closings }
}

/**
 * Of an incident of ours nobody can have heard more than we said; of another watch's nobody's word counts while we hear it
 * say itself how it is.
 */
function answersWhatWasSaid(
  ctx: WatchCtx,
  self: Origin,
  { origin, incidentId, ofVersion }: Closing,
): boolean {
  const own = origin === self.origin ? findIncident(ctx.store, incidentId) : null
  if (own) return ofVersion <= own.updatedAtMs
  const said = findStatement(ctx.store, origin, incidentId)
  if (!said) return false
  // One that lost its data speaks again, and not of what it said before.
  return readHearing(ctx)(origin).isSilent || findPeer(ctx.store, origin)?.epoch !== said.epoch
}

/** To be written after the statements of one watch: as many as are kept stay. */
export function keepRoomSql(origin: string, statements: readonly IncidentStatement[]): SqlStatement[] {
  if (statements.length === 0) return []
  const services = new Set(statements.map(({ serviceId }) => serviceId))
  return [
    ...[...services].map((serviceId) => keepNewestSql({ origin, serviceId, count: OPEN_KEPT })),
    keepNewestSql({ origin, serviceId: null, count: STATEMENTS_KEPT }),
  ]
}
