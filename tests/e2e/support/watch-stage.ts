/** A watch with its pages and a real Chromium before it; a service and a beacon beside them that can be made to fail. */
import type { RequestListener, ServerResponse } from 'node:http'
import type { Browser } from 'playwright-core'
import { answerRoutes, openPageLinks } from '../../../watch/on-call/index.ts'
import { openOperators, operatorRoutes } from '../../../watch/operators/index.ts'
import { publicRoutes } from '../../../watch/pages/index.ts'
import { createWatchWorld, ENTRY, type WatchWorld } from '../../../watch/pages/world.fixtures.ts'
import { openNetworkTable } from '../../../watch/signals/networks/index.ts'
import { openReports, registerReports } from '../../../watch/signals/reports/index.ts'
import { startTelling, tellingRoutes } from '../../../watch/telling/index.ts'
import { serveLocally } from '../../support/local-server.ts'
import { openChromium } from '../../support/chromium.ts'

/** How long a slow beacon takes: within the time of a try, far beyond a good line. */
const SLOW_MS = 2_000

export type Mode = 'ok' | 'down' | 'portal' | 'slow'

export interface FaultyServer extends AsyncDisposable {
  readonly url: string
  mode: Mode
}

export interface WatchStage extends AsyncDisposable {
  readonly url: string
  readonly world: WatchWorld
  readonly browser: Browser
  readonly beacon: FaultyServer
  readonly target: FaultyServer
}

async function startFaulty(answer: RequestListener): Promise<FaultyServer> {
  const state: { mode: Mode } = { mode: 'ok' }
  const local = await serveLocally((request, response) => {
    if (state.mode === 'down') request.socket.destroy()
    else if (state.mode === 'portal')
      response
        .writeHead(200, { 'content-type': 'text/html', 'access-control-allow-origin': '*' })
        .end('<h1>Sign in to this Wi-Fi</h1>')
    else if (state.mode === 'slow') setTimeout(() => answer(request, response), SLOW_MS)
    else answer(request, response)
  })
  return {
    url: `http://localhost:${local.port}`,
    get mode() {
      return state.mode
    },
    set mode(mode) {
      state.mode = mode
    },
    [Symbol.asyncDispose]: local[Symbol.asyncDispose],
  }
}

const sendJson = (response: ServerResponse, value: unknown): void =>
  void response
    .writeHead(200, {
      'content-type': 'application/json',
      'access-control-allow-origin': '*',
      'timing-allow-origin': '*',
    })
    .end(JSON.stringify(value))

/** Starts everything; `await using`, or close it in `afterAll`. @param more what the service's file says besides */
export async function openWatchStage(more = ''): Promise<WatchStage> {
  await using stack = new AsyncDisposableStack()
  const target = stack.use(await startFaulty((_request, response) => sendJson(response, { webBuild: 'b2' })))
  const worldClock: { now(): Date } = { now: () => new Date() }
  const beacon = stack.use(
    await startFaulty((request, response) =>
      sendJson(response, {
        nonce: new URL(request.url!, 'http://beacon').searchParams.get('nonce'),
        at: worldClock.now().toISOString(),
      }),
    ),
  )
  const entry = `${ENTRY}
diagnosis:
  target: ${target.url}/
  versionUrl: ${target.url}/instance
  versionPath: webBuild
  beacons: ['${beacon.url}/beacon']
${more}`
  const world = stack.use(
    await createWatchWorld({ entries: { upbeat: entry }, env: { TRUSTED_PROXIES: '127.0.0.1' } }),
  )
  worldClock.now = () => world.clock.now()
  const { ctx } = world
  const networks = openNetworkTable(ctx.log)
  const reports = await openReports(ctx, { networks, observe: () => {} })
  const telling = stack.use(await startTelling(ctx))
  const operators = stack.use(await openOperators(ctx))
  const links = await openPageLinks(ctx)
  const url = await world.serve(async (app) => {
    registerReports(app, reports)
    for (const routes of [
      publicRoutes({ reports, networks }),
      tellingRoutes(telling),
      operatorRoutes(operators, { links, vapidPublicKey: telling.vapid.publicKey }),
      answerRoutes(links),
    ])
      await routes(app, ctx)
  })
  const browser = await openChromium()
  stack.defer(() => browser.close())
  const parts = stack.move()
  return { url, world, browser, beacon, target, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
