/** Everything that people and programs read from the watch: pages, the API, feeds, the diagnosis. */
import { registerApi } from '../api/api.routes.ts'
import { registerDiagnosis } from '../diagnosis/diagnosis.routes.ts'
import type { WatchRoutes } from '../http/http.ts'
import type { NetworkTable } from '../signals/networks/index.ts'
import type { Reports } from '../signals/reports/index.ts'
import { registerPages } from './pages.routes.ts'
import { registerReportPage } from './report.routes.ts'
import { createViewCache } from './view-cache.ts'

export { startStaticExport } from './static-export.ts'

export interface PublicParts {
  readonly reports: Reports
  readonly networks: NetworkTable
}

/** The routes that need no sign-in. */
export const publicRoutes =
  (parts: PublicParts): WatchRoutes =>
  (app, ctx) => {
    const views = createViewCache(ctx)
    app.addHook('onClose', async () => views[Symbol.dispose]())
    registerPages(app, ctx, views)
    registerApi(app, ctx, views)
    registerReportPage(app, ctx, parts)
    registerDiagnosis(app, ctx, { views, networks: parts.networks })
  }
