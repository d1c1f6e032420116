/** Takes what another watch says into the store: each word once, however often it comes. */
import type { WatchCtx } from '../app/context.ts'
import type { Statement as SqlStatement } from '../store/index.ts'
import { admitWords, keepRoomSql } from './admission.ts'
import type { Origin } from './own-statements.ts'
import type { PeerMessage, Position, ServiceWord } from './protocol.ts'
import {
  findPeer,
  releaseAddressSql,
  sayAgainSql,
  writeClosingSql,
  writePeerSql,
  writeStatementSql,
  type PeerRecord,
} from './records.ts'

export interface TakenMessage {
  /** How far the sender has our log; null: it has to be told from the beginning. */
  readonly ourSeq: number
  /** How far we have its log now. */
  readonly position: Position
}

/**
 * Keeps a message whose sender is known to be the other watch.
 *
 * Idempotent: what is known already changes nothing and wakes nobody. Who was silent and is called over hears of it, and
 * where it still has the incident open, says so anew.
 *
 * @param once what makes the message count once, written with it
 */
export async function takeMessage(
  ctx: WatchCtx,
  self: Origin,
  message: PeerMessage,
  how: { readonly address: string | null; readonly once: readonly SqlStatement[] },
): Promise<TakenMessage> {
  const { watch, log, view } = message
  const before = findPeer(ctx.store, watch.id)
  const known = before?.epoch === watch.epoch ? before.cursor : 0
  const nowMs = ctx.clock.now().getTime()
  const { statements, closings } = admitWords(ctx, self, message)
  const after: PeerRecord = {
    id: watch.id,
    epoch: watch.epoch,
    publicUrl: watch.url,
    address: how.address,
    heardAtMs: nowMs,
    // A piece that doesn't begin where we are is kept, and asked for again.
    cursor: log.fromSeq <= known ? Math.max(known, log.toSeq) : known,
    view,
  }
  const changes = await ctx.store.write([
    ...how.once,
    ...statements.map(writeStatementSql),
    ...closings.map(writeClosingSql),
    ...closings.filter(({ origin }) => origin === self.origin).map(sayAgainSql),
    ...keepRoomSql(watch.id, statements),
    writePeerSql(after),
    ...(how.address === null ? [] : [releaseAddressSql(after)]),
  ])
  const wasNew = changes.slice(how.once.length, how.once.length + statements.length + closings.length)
  const touched = new Set(servicesThatChanged(before?.view ?? [], view))
  for (const [index, { serviceId }] of statements.entries()) if (wasNew[index]! > 0) touched.add(serviceId)
  if (wasNew.slice(statements.length).some((count) => count > 0))
    for (const { id } of ctx.catalog.services()) touched.add(id)
  for (const serviceId of touched)
    if (ctx.catalog.find(serviceId)) ctx.live.tell({ kind: 'status', serviceId })
  const { have } = message
  return {
    ourSeq: have !== null && have.epoch === self.epoch ? have.seq : 0,
    position: { epoch: after.epoch, seq: after.cursor },
  }
}

/** Whose word differs from the one before, but for when it was given. */
function servicesThatChanged(before: readonly ServiceWord[], after: readonly ServiceWord[]): string[] {
  const textOf = ({ asOfMs: _, ...word }: ServiceWord) => JSON.stringify(word)
  const texts = new Map(before.map((word) => [word.serviceId, textOf(word)]))
  return after.filter((word) => texts.get(word.serviceId) !== textOf(word)).map(({ serviceId }) => serviceId)
}
