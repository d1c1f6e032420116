/** Telling people: who wants to hear what, and that they do. */
import type { WatchRoutes } from '../http/http.ts'
import { registerTelling } from './telling.routes.ts'
import type { Telling } from './telling.ts'

export { startTelling, type Telling } from './telling.ts'

/** The routes of subscribing. */
export const tellingRoutes =
  (telling: Telling): WatchRoutes =>
  (app, ctx) =>
    registerTelling(app, ctx, telling)
