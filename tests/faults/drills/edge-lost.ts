/** Two edges before a product, and a person in a real browser who watches through one of them as it dies. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openEdgeStage, STALL_MAX_MS, told } from '../observing/edge-stage.ts'
import { secondsSince, type Report } from '../report.ts'

/** Longer than a player has in hand. */
const WATCHED_MS = 60_000

export async function run(report: Report): Promise<void> {
  await using stage = await openEdgeStage({})
  const { edges, from } = stage
  report.promise('a person watches through the first edge', (from.get('edge-0') ?? 0) > 0, told(from))
  from.clear()
  const [before, beganMs] = [await stage.seen(), performance.now()]
  await edges[0]![Symbol.asyncDispose]()
  await sleep(WATCHED_MS)
  const { longestMs, playedS } = await stage.seen()
  report.promise(
    `with that edge dead nothing stands still for ${STALL_MAX_MS / 1_000} s`,
    longestMs <= STALL_MAX_MS && playedS - before.playedS > WATCHED_MS / 2_000,
    `${Math.round(longestMs)} ms at the longest; ${Math.round(playedS - before.playedS)} s played in ${secondsSince(beganMs)}`,
  )
  report.promise(
    'what is played on comes from the other edge, which says so',
    (from.get('edge-1') ?? 0) > 0,
    told(from),
  )
}
