/** Markers: what was done to the service. They explain outages, and are shown on the timeline. */
import type { MarkerInput } from '../../../contract/watch.ts'
import type { Sample } from '../../../engines/detect/types.ts'
import type { WatchCtx } from '../../app/context.ts'
import { WatchError } from '../../app/errors.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { auditStatement } from '../../incidents/index.ts'
import { writeOnce, type VerifiedMessage } from '../../http/signature.ts'

/** A marker may be told late; one from the future is a clock that is wrong. */
const LATEST_AHEAD_MS = 5 * 60_000
const OLDEST_MS = 7 * 24 * 3_600_000

/** Keeps a marker and tells the detector. @throws {WatchError} invalid-input, message-replayed */
export async function takeMarker(
  ctx: WatchCtx,
  entry: ServiceEntry,
  input: {
    readonly message: VerifiedMessage
    readonly marker: MarkerInput
    readonly observe: (sample: Sample) => void
  },
): Promise<{ readonly id: string }> {
  const { marker, message } = input
  const atMs = Date.parse(marker.at)
  const nowMs = ctx.clock.now().getTime()
  if (atMs > nowMs + LATEST_AHEAD_MS || atMs < nowMs - OLDEST_MS)
    throw new WatchError('invalid-input', { fields: { at: 'lies too far from now' } })
  checkNames(entry, marker)
  const id = ctx.newId()
  await writeOnce(ctx, message, [
    {
      sql: `insert into marker (id, service_id, at_ms, what, feature_ids, regions, note, author)
        values (:id, :serviceId, :atMs, :what, :featureIds, :regions, :note, :author)`,
      params: {
        id,
        serviceId: entry.id,
        atMs,
        what: marker.what,
        featureIds: JSON.stringify(marker.features),
        regions: JSON.stringify(marker.regions),
        note: marker.note,
        author: message.keyId,
      },
    },
    auditStatement(ctx, {
      actor: { kind: 'key', id: message.keyId },
      action: 'push-marker',
      subject: entry.id,
      facts: { what: marker.what },
    }),
  ])
  input.observe({
    kind: 'marker',
    serviceId: entry.id,
    atMs,
    what: marker.what,
    featureIds: marker.features,
    regions: marker.regions,
  })
  return { id }
}

/** @throws {WatchError} invalid-input naming what does not exist. */
export function checkNames(
  entry: ServiceEntry,
  { features, regions }: { readonly features: readonly string[]; readonly regions: readonly string[] },
): void {
  const feature = features.find((id) => !entry.features.some((known) => known.id === id))
  if (feature !== undefined)
    throw new WatchError('invalid-input', { fields: { features: `${feature} does not exist` } })
  const region = regions.find((id) => !entry.regions.some((known) => known.id === id))
  if (region !== undefined)
    throw new WatchError('invalid-input', { fields: { regions: `${region} does not exist` } })
}
