/** A service as the detector has to know it. */
import type { ServiceModel } from '../../engines/detect/types.ts'
import type { ServiceEntry } from '../configuration/index.ts'

export const toServiceModel = (entry: ServiceEntry): ServiceModel => ({
  id: entry.id,
  features: entry.features.map(({ id, dependsOn, tier }) => ({ id, dependsOn, tier })),
  regions: entry.regions.map(({ id }) => id),
  neighbours: entry.neighbours,
  utcOffsetMinutes: Object.fromEntries(
    entry.regions.map(({ id, utcOffsetMinutes }) => [id, utcOffsetMinutes]),
  ),
})
