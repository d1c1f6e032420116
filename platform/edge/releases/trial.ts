/** Tries a document beside what is in force: nginx's own check, then golden requests on a port of its own. */
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { EdgeDocument } from '../../../contract/edge.ts'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { createFillServer, type Agent } from '../agent/agent.ts'
import type { EdgeConfig, EdgePaths } from '../config.ts'
import type { Mirror } from '../mirror/mirror.ts'
import { openNginx, openToWorkers } from '../nginx/nginx.ts'
import { renderNginx, type NginxPlace } from '../nginx/render.ts'
import { askGolden, layGoldenSegment } from './golden.ts'
import { DocumentRefusedError } from './read-document.ts'

/** Where an edge's nginx runs. */
export function placeOf(config: EdgeConfig, paths: EdgePaths): NginxPlace {
  return {
    host: config.host,
    port: config.port,
    runDir: paths.nginx,
    mirrorDir: paths.mirror,
    pagesDir: paths.pages,
    fillSocket: paths.fillSocket,
    controlSocket: paths.controlSocket,
    modulesDir: config.nginx.modulesDir,
    luaDir: join(import.meta.dirname, '..', 'nginx'),
    keyPath: config.keyPath,
    workerUser: process.getuid?.() === 0 ? 'www-data' : null,
    isStaleServed: !config.protectionsOff.has('staleness'),
  }
}

export interface TrialOptions {
  readonly config: EdgeConfig
  readonly paths: EdgePaths
  readonly mirror: Mirror
  readonly document: EdgeDocument
  /** The candidate's own agent. */
  readonly agent: Agent
  readonly isOriginExpected: boolean
}

/** @throws {DocumentRefusedError} with every answer that was wrong; @throws {NginxRefusedError} */
export async function tryDocument(options: TrialOptions): Promise<void> {
  const { config, paths, mirror, document, agent, isOriginExpected } = options
  const runDir = join(dirname(paths.nginx), 'trial')
  await rm(runDir, { recursive: true, force: true })
  await mkdir(runDir, { recursive: true, mode: 0o755 })
  const place: NginxPlace = {
    ...placeOf(config, paths),
    ...{ host: '127.0.0.1', port: await findFreePort(), runDir },
    pagesDir: join(runDir, 'pages'),
    fillSocket: join(runDir, 'fill.sock'),
    controlSocket: join(runDir, 'control.sock'),
  }
  await layGoldenSegment(mirror)
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(runDir, { recursive: true, force: true }))
  const nginx = await openNginx({ program: config.nginx.program, runDir, controlSocket: place.controlSocket })
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
  const wrong = await askGolden({
    url: `http://127.0.0.1:${place.port}`,
    areTokensChecked: config.keyPath !== null,
    isOriginExpected,
  })
  if (wrong.length > 0) throw new DocumentRefusedError(wrong.join('; '))
}
