/**
 * What of a message is kept: words that can be true, of services that are watched here, in a bounded room. Whoever has the
 * key is heard, and neither speaks for us nor fills the disk.
 */
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import { MAX_SKEW_MS } from '../http/signature.ts'
import { findIncident } from '../incidents/records.ts'
import type { Statement } from '../store/index.ts'
import type { Origin } from './own-statements.ts'
import type { PeerMessage } from './protocol.ts'
import {
  findStatement,
  forgetPeerStatement,
  keepNewest,
  listClosings,
  listOrigins,
  listPeers,
} from './records.ts'
import { isGone } from './silence.ts'
import { latestTimeOf, statementKey, type Closing, type IncidentStatement } from './statement.ts'

/** Other watches that are known at a time, and watches whose words are told by them. */
export const PEERS_MAX = 8
/** Of one watch; beyond it those that are over go, and of these what changed the longest ago. */
export const STATEMENTS_KEPT = 5_000
/** Of one watch and one service that are not over: what it said of last stays. */
export const OPEN_KEPT = 60

export interface Admitted {
  readonly statements: readonly IncidentStatement[]
  readonly closings: readonly Closing[]
}

/** Those words of a message that count here; the others are passed over. */
export function admitWords(ctx: WatchCtx, self: Origin, { watch, log }: PeerMessage): Admitted {
  const untilMs = ctx.clock.now().getTime() + MAX_SKEW_MS
  const origins = new Set([...listOrigins(ctx.store), watch.id])
  const hasRoom = (origin: string): boolean => {
    if (!origins.has(origin) && origins.size < PEERS_MAX) origins.add(origin)
    return origins.has(origin)
  }
  const statements = log.statements.filter(
    (statement) =>
      !isKnownBetter(ctx, self, statement) &&
      ctx.catalog.find(statement.serviceId) &&
      latestTimeOf(statement) <= untilMs &&
      hasRoom(statement.origin),
  )
  const told = new Set(statements.map(statementKey))
  const closings = log.closings.filter(
    (closing) =>
      closing.by !== self.origin &&
      closing.by !== closing.origin &&
      Math.max(closing.ofVersion, closing.atMs) <= untilMs &&
      (told.has(statementKey(closing)) || answersWhatWasSaid(ctx, self, closing)) &&
      isOneOfFew(ctx, closing),
  )
  return { statements, closings }
}

/** What we said ourselves, or have ourselves: a watch that lost its data takes back only what it has not. */
const isKnownBetter = (
  ctx: WatchCtx,
  self: Origin,
  { origin, epoch, incidentId }: IncidentStatement,
): boolean => origin === self.origin && (epoch === self.epoch || findIncident(ctx.store, incidentId) !== null)

/** Of an incident of ours nobody can have heard more than we said. */
function answersWhatWasSaid(
  ctx: WatchCtx,
  self: Origin,
  { origin, incidentId, ofVersion }: Closing,
): boolean {
  const own = origin === self.origin ? findIncident(ctx.store, incidentId) : null
  return own ? ofVersion <= own.updatedAtMs : findStatement(ctx.store, origin, incidentId) !== null
}

const isOneOfFew = (ctx: WatchCtx, closing: Closing): boolean =>
  listClosings(ctx.store, [closing]).filter(({ by }) => by !== closing.by).length < PEERS_MAX

/** To be written after the statements: as many as are kept stay. */
export function keepRoom(statements: readonly IncidentStatement[]): Statement[] {
  const services = Map.groupBy(statements, ({ origin }) => origin)
  return [...services].flatMap(([origin, said]) => [
    ...[...new Set(said.map(({ serviceId }) => serviceId))].map((serviceId) =>
      keepNewest({ origin, serviceId, count: OPEN_KEPT }),
    ),
    keepNewest({ origin, serviceId: null, count: STATEMENTS_KEPT }),
  ])
}

/**
 * To be written before the row of a watch that was not known: it takes the place of one that is gone. What we reach
 * ourselves has a place in any case.
 *
 * @throws {WatchError} not-allowed
 */
export function roomForPeer(
  ctx: WatchCtx,
  peer: { readonly id: string; readonly address: string | null },
): Statement[] {
  const known = listPeers(ctx.store).toSorted((a, b) => a.heardAtMs - b.heardAtMs)
  if (known.length < PEERS_MAX || known.some(({ id }) => id === peer.id)) return []
  const leaving = known.find((one) => isGone(ctx, one)) ?? (peer.address === null ? undefined : known[0])
  if (leaving) return [forgetPeerStatement(leaving.id)]
  throw new WatchError('not-allowed', {
    detail: `This watch knows ${PEERS_MAX} others already.`,
    next: 'Give every watch a name that it keeps (WATCH_ID); one that is silent for seven days makes room.',
  })
}
