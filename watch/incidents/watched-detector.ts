/** The detector over the services of the catalogue: opened from what was kept of it, made anew when a file changes. */
import type {
  Detector,
  DetectorOptions,
  DetectorSnapshot,
  Sample,
  ServiceModel,
} from '../../engines/detect/types.ts'
import type { WatchCtx } from '../app/context.ts'
import { listOpenMaintenances } from './maintenance-records.ts'
import { toServiceModel } from './service-model.ts'
import { markersSince, readSnapshot } from './snapshots.ts'
import type { MaintenanceView } from './views.ts'

export type CreateDetector = (
  services: ServiceModel[],
  options?: DetectorOptions,
  saved?: DetectorSnapshot,
) => Detector

export interface WatchedDetector {
  /** The one that stands; another one after `reopen`. */
  current(): Detector
  /** False: the service is not (any longer) watched, and the sample is dropped. */
  observe(sample: Sample): boolean
  /** Makes it anew for the catalogue as it is now, with all that it knows of what has stayed. */
  reopen(): void
  /** Tells it which windows of maintenance are under way at this time. */
  tellMaintenance(nowMs: number): void
}

/** Opens it from the last snapshot; one that it refuses is as good as none. */
export function openWatchedDetector(ctx: WatchCtx, createDetector: CreateDetector): WatchedDetector {
  let known = new Set<string>()
  let detector = open(readSnapshot(ctx), { restartedAtMs: ctx.clock.now().getTime() })

  function open(saved: DetectorSnapshot | undefined, options: DetectorOptions = {}): Detector {
    const models = ctx.catalog.services().map(toServiceModel)
    known = new Set(models.map(({ id }) => id))
    const opened = make(models, options, saved)
    // Markers are edges: one that came after the snapshot, or that it was refused with, is told again.
    for (const marker of markersSince(ctx)) if (known.has(marker.serviceId)) opened.observe(marker)
    return opened
  }

  function make(
    models: ServiceModel[],
    options: DetectorOptions,
    saved: DetectorSnapshot | undefined,
  ): Detector {
    try {
      return createDetector(models, options, saved)
    } catch (error) {
      if (!saved) throw error
      ctx.log.warn({ err: error }, 'detector.snapshot-refused')
      return createDetector(models)
    }
  }

  return {
    current: () => detector,
    observe(sample) {
      if (!known.has(sample.serviceId)) return false
      detector.observe(sample)
      return true
    },
    reopen() {
      detector = open(detector.snapshot())
    },
    tellMaintenance(nowMs) {
      // By the time, too: a disk that refuses to write that it has begun must not make an outage of it.
      const isUnderWay = ({ status, scheduledForMs }: MaintenanceView) =>
        status !== 'scheduled' || scheduledForMs <= nowMs
      detector.setMaintenance(listOpenMaintenances(ctx.store).filter(isUnderWay))
    },
  }
}
