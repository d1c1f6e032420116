/** What of the configuration may change while Upbeat runs: when levels rise. */
import { z } from 'zod'
import { createPressure } from '../../../engines/steward/index.ts'
import type { ReleaseKind } from '../release-kind.ts'

const LEVELS_ABOVE_0 = 5
const rising = (values: readonly number[]): boolean =>
  values.every((value, index) => index === 0 || value > values[index - 1]!)
const thresholds = (shape: z.ZodNumber) =>
  z.array(shape).length(LEVELS_ABOVE_0).refine(rising, 'Each must be higher than the one before.')

export const ConfigurationDocument = z.strictObject({
  levels: z
    .strictObject({
      /** From how late timers fire on (p99 of a second) each level above 0 begins. */
      eventLoopMs: thresholds(z.number().positive().max(60_000)).optional(),
      /** From which share of the memory's limit on each begins. */
      memoryShare: thresholds(z.number().positive().max(1)).optional(),
    })
    .optional(),
})
export type ConfigurationDocument = z.infer<typeof ConfigurationDocument>

/** Figures of an instance that is well, and of one on its knees. */
const WELL = { eventLoopP99Ms: 25, memoryShare: 0.6, busyShare: 0.4, refusedClass: null }
const ON_ITS_KNEES = { eventLoopP99Ms: 5_000, memoryShare: 0.99, busyShare: 1, refusedClass: null }
const LOOKS = 8
const LOOK_MS = 250

export const configurationKind: ReleaseKind<ConfigurationDocument> = {
  name: 'configuration',
  schema: ConfigurationDocument,
  bounds: { maxBytes: 16 * 1_024, maxValues: 100, maxDepth: 5, maxGrowth: 4 },
  goldenChecks({ levels }) {
    const levelAfter = (signals: typeof WELL) => {
      const pressure = createPressure()
      pressure.setThresholds(levels ?? {})
      for (let look = 0; look < LOOKS; look++) pressure.observe(signals, look * LOOK_MS)
      return pressure.state.level
    }
    const objections: string[] = []
    if (levelAfter(WELL) > 0) objections.push('It takes features away from an instance that is well.')
    if (levelAfter(ON_ITS_KNEES) < 4) objections.push('It does not relieve an instance that is on its knees.')
    return objections
  },
}
