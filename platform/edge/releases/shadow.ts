/** A second nginx made from a document, on a port that nobody knows: what it does is seen before, and beside, what people meet. */
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { EdgeDocument } from '../../../contract/edge.ts'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { createFillServer, type Agent } from '../agent/agent.ts'
import type { EdgeConfig, EdgePaths } from '../config.ts'
import { openNginx, openToWorkers } from '../nginx/nginx.ts'
import type { NginxPlace } from '../nginx/parts.ts'
import { renderNginx } from '../nginx/render.ts'

/** Where an edge's nginx runs. */
export function placeOf(config: EdgeConfig, paths: EdgePaths, pagesKey: string): NginxPlace {
  return {
    host: config.host,
    port: config.port,
    runDir: paths.nginx,
    mirrorDir: paths.mirror,
    pagesDir: paths.pages,
    pagesKey,
    fillSocket: paths.fillSocket,
    controlSocket: paths.controlSocket,
    modulesDir: config.nginx.modulesDir,
    luaDir: join(import.meta.dirname, '..', 'nginx'),
    keyPath: config.keyPath,
    workerUser: process.getuid?.() === 0 ? 'www-data' : null,
    caPath: config.caPath,
    isStaleServed: !config.protectionsOff.has('staleness'),
  }
}

export interface ShadowOptions {
  readonly config: EdgeConfig
  readonly paths: EdgePaths
  readonly document: EdgeDocument
  /** The document's own agent; it stays its opener's. */
  readonly agent: Agent
  /** Names its folder. */
  readonly arm: 'canary' | 'baseline'
}

export interface Shadow extends AsyncDisposable {
  readonly port: number
}

/** Has the configuration tested and started. @throws {NginxRefusedError} */
export async function openShadow({ config, paths, document, agent, arm }: ShadowOptions): Promise<Shadow> {
  const runDir = join(dirname(paths.nginx), `trial-${arm}`)
  await rm(runDir, { recursive: true, force: true })
  await mkdir(runDir, { recursive: true, mode: 0o755 })
  const place: NginxPlace = {
    ...placeOf(config, paths, arm),
    ...{ host: '127.0.0.1', port: await findFreePort(), runDir },
    pagesDir: join(runDir, 'pages'),
    fillSocket: join(runDir, 'fill.sock'),
    controlSocket: join(runDir, 'control.sock'),
  }
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(runDir, { recursive: true, force: true }))
  const { program } = config.nginx
  const nginx = await openNginx({ program, runDir, controlSocket: place.controlSocket })
  const configuration = renderNginx(document, place)
  await nginx.test(configuration)
  const server = createFillServer(agent.answer).listen(place.fillSocket)
  await once(server, 'listening')
  stack.defer(() => server.closeAllConnections())
  stack.defer(() => void server.close())
  await openToWorkers(place.fillSocket)
  stack.defer(() => nginx.stop(false))
  await nginx.apply(configuration)
  await nginx.tellOrder(await agent.sources.addresses())
  const opened = stack.move()
  return { port: place.port, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
