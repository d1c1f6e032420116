/** Runs one watch: store, catalogue, detector, signals and pages, in the order in which they stand on each other. */
import { createDetector } from '../../engines/detect/index.ts'
import type { Sample } from '../../engines/detect/index.ts'
import type { Log } from '../../kit/log.ts'
import { alertRoutes, startAlertsOut } from '../ecosystem/alertmanager/index.ts'
import { openTrafficBook } from '../follow-up/index.ts'
import { startWatchServer } from '../http/server.ts'
import { routes } from '../http/routes.ts'
import { pushRoutes } from '../http/push.routes.ts'
import { startIncidentLoop } from '../incidents/index.ts'
import { answerRoutes, openPageLinks, startPaging } from '../on-call/index.ts'
import { openOperators, operatorRoutes } from '../operators/index.ts'
import { publicRoutes, startStaticExport } from '../pages/index.ts'
import { openOwnKey, openPeers, peerRoutes, startPeers } from '../peers/index.ts'
import { createJourneyRunner, ownAccounts } from '../signals/journeys/index.ts'
import { startFollowing } from '../signals/follow.ts'
import { openNetworkTable } from '../signals/networks/index.ts'
import {
  createConnectivity,
  createNetworkRunners,
  startProbes,
  type Probes,
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
  const trafficBook = stack.use(openTrafficBook(ctx))
  const observe = (sample: Sample): void => {
    trafficBook.note(sample)
    loop.observe(sample)
  }
  const networks = openNetworkTable(ctx.log)
  const reports = stack.use(await openReports(ctx, { observe, networks }))
  const probes = stack.use(startOwnProbes(ctx, observe))
  stack.use(startFollowing(ctx, observe))
  stack.use(startRetention(ctx))
  const telling = stack.use(await startTelling(ctx))
  const links = await openPageLinks(ctx)
  stack.use(startPaging(ctx, links, telling))
  stack.use(startAlertsOut(ctx))
  if (config.exportDir !== null) stack.use(startStaticExport(ctx, config.exportDir))
  const operators = stack.use(await openOperators(ctx))
  // Also without another watch: its key has to be known before that one is.
  await openOwnKey(ctx)
  const peers = config.peer && (await openPeers(ctx, config.peer))
  const server = stack.use(
    await startWatchServer(ctx, {
      reports,
      routes: [
        ...routes,
        pushRoutes({ observe, probes }),
        alertRoutes(observe),
        ...(peers ? [peerRoutes(peers)] : []),
        publicRoutes({ reports, networks }),
        tellingRoutes(telling),
        operatorRoutes(operators, { links, vapidPublicKey: telling.vapid.publicKey }),
        answerRoutes(links),
      ],
    }),
  )
  if (peers) stack.use(startPeers(ctx, peers))
  const owned = stack.move()
  return {
    ctx,
    url: config.publicUrl ?? `http://localhost:${server.port}`,
    port: server.port,
    observe,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** The checks that this place makes itself. */
function startOwnProbes(ctx: WatchCtx, observe: (sample: Sample) => void): Probes {
  const { config, clock } = ctx
  const stalls = watchStalls(clock)
  const probes = startProbes(ctx, {
    tools: {
      clock,
      connectivity: createConnectivity({ references: config.connectivity, clock }),
      stalls,
      runners: {
        ...createNetworkRunners(clock),
        journey: createJourneyRunner(clock, ownAccounts(ctx)),
      },
    },
    vantage: { id: config.id, region: config.region, asn: null },
    observe,
  })
  return {
    ...probes,
    async [Symbol.asyncDispose]() {
      await probes[Symbol.asyncDispose]()
      stalls[Symbol.dispose]()
    },
  }
}
