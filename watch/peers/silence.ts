/** Who has gone silent: a peer is listened to as a target is checked. */
import type { WatchCtx } from '../app/context.ts'
import { listPeers } from './records.ts'

/** Watches speak every five seconds: three times without a word is silence. */
export const SILENT_AFTER_MS = 15_000

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
