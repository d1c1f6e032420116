/** All that a watch answers, not listening. */
import { alertRoutes } from '../ecosystem/alertmanager/index.ts'
import { answerRoutes, openPageLinks } from '../on-call/index.ts'
import { openOperators, operatorRoutes } from '../operators/index.ts'
import { publicRoutes } from '../pages/index.ts'
import type { WatchWorld } from '../pages/world.fixtures.ts'
import { openNetworkTable } from '../signals/networks/index.ts'
import type { Probes } from '../signals/probes/index.ts'
import { openReports } from '../signals/reports/index.ts'
import { startTelling, tellingRoutes } from '../telling/index.ts'
import type { WatchApp } from './http.ts'
import { pushRoutes } from './push.routes.ts'
import { routes } from './routes.ts'
import { assembleWatchApp } from './server.ts'

/** Every route of the watch; no checks are made, and nothing is observed. */
export async function openWholeWatch({
  ctx,
}: WatchWorld): Promise<AsyncDisposable & Pick<WatchApp, 'inject'>> {
  await using stack = new AsyncDisposableStack()
  const observe = () => {}
  const networks = openNetworkTable(ctx.log)
  const reports = stack.use(await openReports(ctx, { observe, networks }))
  const telling = stack.use(await startTelling(ctx))
  const operators = stack.use(await openOperators(ctx))
  const links = await openPageLinks(ctx)
  const app = await assembleWatchApp(ctx, {
    reports,
    routes: [
      ...routes,
      pushRoutes({ observe, probes: {} as Probes }),
      alertRoutes(observe),
      publicRoutes({ reports, networks }),
      tellingRoutes(telling),
      operatorRoutes(operators, { links, vapidPublicKey: telling.vapid.publicKey }),
      answerRoutes(links),
    ],
  })
  stack.defer(() => app.close())
  const owned = stack.move()
  return { inject: app.inject.bind(app), [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
