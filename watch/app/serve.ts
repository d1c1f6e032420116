/** Runs one watch: store, catalogue, detector, signals and pages, in the order in which they stand on each other. */
import { createDetector } from '../../engines/detect/index.ts'
import type { Sample } from '../../engines/detect/index.ts'
import type { Log } from '../../kit/log.ts'
import { alertRoutes, startAlertsOut } from '../ecosystem/alertmanager/index.ts'
import { startWatchServer } from '../http/server.ts'
import { routes } from '../http/routes.ts'
import { pushRoutes } from '../http/push.routes.ts'
import { startIncidentLoop } from '../incidents/index.ts'
import { openOperators, operatorRoutes } from '../operators/index.ts'
import { publicRoutes, startStaticExport } from '../pages/index.ts'
import { createJourneyRunner, ownAccounts } from '../signals/journeys/index.ts'
import { openPeers, peerRoutes, startPeers } from '../peers/index.ts'
import { startFollowing } from '../signals/follow.ts'
import { openNetworkTable } from '../signals/networks/index.ts'
import {
  createConnectivity,
  createNetworkRunners,
  startProbes,
  watchStalls,
} from '../signals/probes/index.ts'
import { openReports } from '../signals/reports/index.ts'
import { startRetention } from '../store/retention.ts'
import { startTelling, tellingRoutes } from '../telling/index.ts'
import type { WatchConfig } from './config.ts'
import { openWatchContext, type WatchCtx } from './context.ts'

export interface RunningWatch extends AsyncDisposable {
  readonly ctx: WatchCtx
  readonly url: string
  readonly port: number
  /** Feeds the detector, as the signals do. */
  observe(sample: Sample): void
}

/**
 * Starts everything; answers when it can be used.
 *
 * @throws {StoreUnusableError} {WatchPortError}
 */
export async function startWatch(
  config: WatchConfig,
  options: { readonly log?: Log } = {},
): Promise<RunningWatch> {
  await using stack = new AsyncDisposableStack()
  const opened = stack.use(await openWatchContext(config, options))
  const { ctx, board } = opened
  const loop = stack.use(startIncidentLoop(ctx, { board, createDetector }))
  const networks = openNetworkTable(ctx.log)
  const reports = stack.use(await openReports(ctx, { observe: loop.observe, networks }))
  const stalls = stack.use(watchStalls(ctx.clock))
  const connectivity = createConnectivity({ references: config.connectivity, clock: ctx.clock })
  const probes = stack.use(
    startProbes(ctx, {
      tools: {
        clock: ctx.clock,
        connectivity,
        stalls,
        runners: {
          ...createNetworkRunners(ctx.clock),
          journey: createJourneyRunner(ctx.clock, ownAccounts(ctx)),
        },
      },
      vantage: { id: config.id, region: config.region, asn: null },
      observe: loop.observe,
    }),
  )
  stack.use(startFollowing(ctx, loop.observe))
  stack.use(startRetention(ctx))
  const telling = stack.use(await startTelling(ctx))
  stack.use(startAlertsOut(ctx))
  if (config.exportDir !== null) stack.use(startStaticExport(ctx, config.exportDir))
  const operators = stack.use(await openOperators(ctx))
  const server = stack.use(
    await startWatchServer(ctx, {
      reports,
  const peers = config.peer && (await openPeers(ctx, config.peer))
      routes: [
        ...routes,
        pushRoutes({ observe: loop.observe, probes }),
        alertRoutes(loop.observe),
        publicRoutes({ reports, networks }),
        tellingRoutes(telling),
        operatorRoutes(operators),
        ...(peers ? [peerRoutes(peers, config.peer!.key)] : []),
      ],
    }),
  )
  const owned = stack.move()
  return {
    ctx,
    url: config.publicUrl ?? `http://localhost:${server.port}`,
  if (peers) stack.use(startPeers(ctx, peers))
    port: server.port,
    observe: loop.observe,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
