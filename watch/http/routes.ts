/** The parts that stand on the context alone, in the order in which they are mounted. */
import type { WatchRoutes } from './http.ts'

export const routes: readonly WatchRoutes[] = []
