/** Takes what another watch says into the store: each word once, however often it comes. */
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import { MAX_SKEW_MS } from '../http/signature.ts'
import type { Statement } from '../store/index.ts'
import type { Origin } from './own-statements.ts'
import type { PeerMessage, Position, ServiceWord } from './protocol.ts'
import { findPeer, writeClosing, writePeer, writeStatement, type PeerRecord } from './records.ts'

export interface TakenMessage {
  /** How far the sender has our log; null: it has to be told from the beginning. */
  readonly ourSeq: number
  /** How far we have its log now. */
  readonly position: Position
}

/**
 * Keeps a message whose sender is known to be the other watch.
 *
 * Idempotent: what is known already changes nothing and wakes nobody.
 *
 * @param once what makes the message count once, written with it
 * @throws {WatchError} peer-has-our-name
 */
export async function takeMessage(
  ctx: WatchCtx,
  self: Origin,
  message: PeerMessage,
  how: { readonly address: string | null; readonly once: readonly Statement[] },
): Promise<TakenMessage> {
  const { watch, log, view } = message
  if (watch.id === self.origin)
    throw new WatchError('peer-has-our-name', { detail: `Both are called ${watch.id}.` })
  const before = findPeer(ctx.store, watch.id)
  const known = before?.epoch === watch.epoch ? before.cursor : 0
  const nowMs = ctx.clock.now().getTime()
  const statements = log.statements.filter(
    // What we said ourselves we know better; what comes from the future would stand before all that is true.
    ({ origin, epoch, version }) =>
      !(origin === self.origin && epoch === self.epoch) && version <= nowMs + MAX_SKEW_MS,
  )
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
    writePeer(after),
    ...statements.map(writeStatement),
    ...log.closings.filter(({ by }) => by !== self.origin).map(writeClosing),
  ])
  const wasNew = changes.slice(how.once.length + 1)
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
