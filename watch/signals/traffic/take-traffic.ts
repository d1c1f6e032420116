/** Traffic that is pushed: what the service counts of itself, per feature and region. */
import type { TrafficInput } from '../../../contract/watch.ts'
import type { Sample } from '../../../engines/detect/types.ts'
import type { WatchCtx } from '../../app/context.ts'
import { WatchError } from '../../app/errors.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { writeOnce, type VerifiedMessage } from '../../http/signature.ts'

/** Older intervals teach nothing any more. */
const OLDEST_MS = 3_600_000
const LATEST_AHEAD_MS = 60_000

/**
 * Hands the rows to the detector. Rows of features or regions that don't exist are left out and named: a service that grows
 * keeps being watched.
 *
 * @throws {WatchError} invalid-input, message-replayed
 */
export async function takeTraffic(
  ctx: WatchCtx,
  entry: ServiceEntry,
  input: {
    readonly message: VerifiedMessage
    readonly traffic: TrafficInput
    readonly observe: (sample: Sample) => void
  },
): Promise<{ readonly taken: number; readonly unknown: readonly string[] }> {
  const { traffic } = input
  const atMs = Date.parse(traffic.at)
  const nowMs = ctx.clock.now().getTime()
  if (atMs > nowMs + LATEST_AHEAD_MS || atMs < nowMs - OLDEST_MS)
    throw new WatchError('invalid-input', { fields: { at: 'lies too far from now' } })
  await writeOnce(ctx, input.message, [])
  const features = new Set(entry.features.map(({ id }) => id))
  const regions = new Set(entry.regions.map(({ id }) => id))
  const unknown = new Set<string>()
  let taken = 0
  for (const row of traffic.rows) {
    if (!features.has(row.feature)) unknown.add(row.feature)
    else if (!regions.has(row.region)) unknown.add(row.region)
    else {
      taken++
      input.observe({
        kind: 'traffic',
        serviceId: entry.id,
        atMs,
        featureId: row.feature,
        region: row.region,
        intervalMs: traffic.intervalS * 1_000,
        requests: row.requests,
        errors: row.errors,
        bytes: row.bytes,
        diversity: row.diversity,
      })
    }
  }
  return { taken, unknown: [...unknown].slice(0, 20) }
}
