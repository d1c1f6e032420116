/** Who has gone silent: a peer is listened to as a target is checked. */
import type { WatchCtx } from '../app/context.ts'
import { listPeers, type PeerRecord } from './records.ts'

/** Watches speak every five seconds: three times without a word is silence. */
export const SILENT_AFTER_MS = 15_000

/** One that we don't reach out to, and that was silent for so long, is not there any more. */
const FORGOTTEN_AFTER_MS = 7 * 24 * 3_600_000

/** Whether it was renamed or retired: nobody waits for its word any more. */
export const isGone = (
  ctx: WatchCtx,
  { address, heardAtMs }: Pick<PeerRecord, 'address' | 'heardAtMs'>,
): boolean =>
  (address === null || address !== ctx.config.peer?.url) &&
  ctx.clock.now().getTime() - heardAtMs >= FORGOTTEN_AFTER_MS

/** Those that are not gone, by their names. */
export const listPresentPeers = (ctx: WatchCtx): PeerRecord[] =>
  listPeers(ctx.store).filter((peer) => !isGone(ctx, peer))

export interface Hearing {
  readonly isSilent: boolean
  /** Null: it never spoke to us; others told what it said. */
  readonly heardAtMs: number | null
}

/** How each watch is heard now. */
export function readHearing(ctx: WatchCtx): (origin: string) => Hearing {
  const heard = new Map(listPeers(ctx.store).map((peer) => [peer.id, peer.heardAtMs]))
  const nowMs = ctx.clock.now().getTime()
  return (origin) => {
    const heardAtMs = heard.get(origin) ?? null
    return { heardAtMs, isSilent: heardAtMs === null || nowMs - heardAtMs > SILENT_AFTER_MS }
  }
}
