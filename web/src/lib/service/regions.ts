/** What of a region's state concerns its people. */
import type { ServiceState } from '#lib/api/types.ts'

/** As the server counts (`modules/regions`): from here on it is worth telling. */
const BEHIND_FROM_S = 5

/** How far the region that answers is behind, in seconds; null: it is not, or nobody can say. */
export const findBehindS = (regions: ServiceState['regions'] = []): number | null =>
  regions.find(({ state, behindS }) => state !== 'closed' && behindS !== null && behindS >= BEHIND_FROM_S)
    ?.behindS ?? null
