/** The process of an edge: opens its parts, follows its document, and says how it fares. */
import { once } from 'node:events'
import { mkdir, readFile, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { EdgeStatus } from '../../contract/edge.ts'
import { createLog, type Log } from '../../kit/log.ts'
import { startRepeating } from '../../kit/repeat.ts'
import { createFillServer, openAgent } from './agent/agent.ts'
import { openChanges } from './changes.ts'
import { loadEdgeConfig, pathsOf, type EdgeArguments, type EdgeConfig, type EdgePaths } from './config.ts'
import { openMirror } from './mirror/mirror.ts'
import { scrubOnce, type ScrubState } from './mirror/scrub.ts'
import { openNginx, openToWorkers, type Nginx } from './nginx/nginx.ts'
import { readSigners } from './releases/read-document.ts'
import { openReleases, type Releases } from './releases/releases.ts'

const DOCUMENT_INTERVAL_MS = 500
const CHANGES_INTERVAL_MS = 1_000
const SCRUB_PAUSE_MS = 5_000
const NGINX_INTERVAL_MS = 500
const DEFAULT_SEGMENT_MAX_BYTES = 64 * 1024 ** 2
const DEFAULT_MIRROR_MAX_BYTES = 1024 ** 3

/**
 * Runs an edge until SIGTERM or SIGINT, which end its nginx in order. After SIGKILL of this process nginx serves on, and the
 * next start takes it over; SIGHUP asks for that.
 */
export async function runEdge(given: EdgeArguments): Promise<void> {
  const config = loadEdgeConfig(given)
  const log = createLog({ level: config.logLevel, base: { role: 'edge' } })
  const paths = pathsOf(config.dataDir)
  const ending = new AbortController()
  let isNginxLeft = false
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.once(name, () => {
      isNginxLeft = name === 'SIGHUP'
      ending.abort()
    })
  await mkdir(config.dataDir, { recursive: true, mode: 0o755 })
  await trust(config.caPath)
  await using stack = new AsyncDisposableStack()
  const { nginx, releases, listen } = await openParts({ config, paths, log, stack, signal: ending.signal })
  await follow({ config, releases, log, stack })
  const { inForce } = releases
  if (inForce === null) {
    log.fatal({ refused: releases.lastGood.list()[0]?.reason }, 'edge.no-document')
    process.exitCode = 1
    return
  }
  await listen()
  console.log(`Edge ${inForce.read.document.name} is ready: http://localhost:${config.port}`)
  if (!ending.signal.aborted) await once(ending.signal, 'abort')
  if (!isNginxLeft) await nginx.stop(true)
}

/** The agent trusts those whom nginx trusts. Where there is no such file, nginx says so once an origin needs it. */
async function trust(caPath: string): Promise<void> {
  const own = await readFile(caPath, 'utf8').catch(() => null)
  if (own !== null) setDefaultCACertificates([...getCACertificates('default'), own])
}

interface Opening {
  readonly config: EdgeConfig
  readonly paths: EdgePaths
  readonly log: Log
  readonly stack: AsyncDisposableStack
  readonly signal: AbortSignal
}

async function openParts({ config, paths, log, stack, signal }: Opening) {
  const current = () => releases?.inForce?.read.document
  const mirror = await openMirror(
    paths.mirror,
    () => current()?.limits.segmentMaxBytes ?? DEFAULT_SEGMENT_MAX_BYTES,
  )
  const { program } = config.nginx
  const nginx = await openNginx({ program, runDir: paths.nginx, controlSocket: paths.controlSocket })
  if ((await nginx.pid()) === null) await rm(paths.controlSocket, { force: true })
  const scrubbing: ScrubState = { objects: 0, sizeBytes: 0, rotten: 0, scrubbedAt: null }
  const signers = config.signersPath === null ? null : readSigners(await readFile(config.signersPath, 'utf8'))
  let releases: Releases | null = null
  const tellOrder = async () => {
    const sources = releases?.inForce?.agent.sources
    if (sources) await nginx.tellOrder(await sources.addresses())
  }
  releases = await openReleases({
    ...{ config, paths, mirror, nginx, signers, log, signal },
    openAgent: ({ document }) =>
      openAgent({
        ...{ document, config, mirror, log },
        onOrderChange: () => void tellOrder(),
        onRot: () => void (scrubbing.rotten += 1),
      }),
  })
  const opened = releases
  const server = createFillServer((request, response) => {
    if (request.url === '/-/status') return tellStatus(opened, scrubbing, response)
    if (!opened.inForce) return void response.writeHead(503).end()
    opened.inForce.agent.answer(request, response)
  })
  // Until there is a document in force nobody is to be told that nothing can be had: nginx asks the origin itself.
  const listen = async () => {
    await rm(paths.fillSocket, { force: true })
    server.listen({ path: paths.fillSocket, backlog: 4_096 })
    await once(server, 'listening')
    await openToWorkers(paths.fillSocket)
  }
  stack.defer(() => void server.close())
  stack.defer(() => server.closeAllConnections())
  stack.use(opened)
  stack.use(
    startRepeating({
      intervalMs: SCRUB_PAUSE_MS,
      work: (stopping) =>
        scrubOnce(
          {
            ...{ mirror, log, bytesPerS: config.scrubBytesPerS, now: () => new Date() },
            maxBytes: () => current()?.limits.mirrorMaxBytes ?? DEFAULT_MIRROR_MAX_BYTES,
            isOn: !config.protectionsOff.has('digests'),
          },
          scrubbing,
          stopping,
        ),
      onError: (error) => log.error({ err: error }, 'edge.scrub-failed'),
    }),
  )
  if (config.keyPath !== null) await followChanges({ config, paths, log, stack, opened, mirror })
  return { nginx: keptRunning(nginx, opened, log, stack), releases: opened, listen }
}

async function followChanges({
  config,
  paths,
  log,
  stack,
  opened,
  mirror,
}: Omit<Opening, 'signal'> & {
  readonly opened: Releases
  readonly mirror: Awaited<ReturnType<typeof openMirror>>
}): Promise<void> {
  const mediaKey = (await readFile(config.keyPath!, 'utf8')).trim()
  const changes = await openChanges({ mirror, path: paths.changes, mediaKey, log })
  stack.use(
    startRepeating({
      intervalMs: CHANGES_INTERVAL_MS,
      work: async () => {
        if (opened.inForce) await changes.hear(opened.inForce.agent.sources)
      },
      onError: (error) => log.debug({ err: error }, 'edge.changes-not-heard'),
    }),
  )
}

/** An nginx that has died is started again with what was in force. */
function keptRunning(nginx: Nginx, releases: Releases, log: Log, stack: AsyncDisposableStack): Nginx {
  stack.use(
    startRepeating({
      intervalMs: NGINX_INTERVAL_MS,
      work: async () => {
        if (releases.inForce && (await nginx.pid()) === null) {
          log.error('edge.nginx-died')
          await releases.startAgain()
        }
      },
      onError: (error) => log.error({ err: error }, 'edge.nginx-not-started'),
    }),
  )
  return nginx
}

/** The document's file first, what was last good otherwise; from then on each new content of the file. */
async function follow({
  config,
  releases,
  log,
  stack,
}: Pick<Opening, 'config' | 'log' | 'stack'> & { readonly releases: Releases }): Promise<void> {
  const read = () => readFile(config.documentPath, 'utf8')
  const last = await read().catch(() => null)
  await releases.reinstate().catch((error: unknown) => log.error({ err: error }, 'edge.last-good-unusable'))
  const considering = last === null ? Promise.resolve() : releases.consider(last)
  await Promise.race([considering, releases.firstInForce])
  stack.use(
    startRepeating({
      intervalMs: DOCUMENT_INTERVAL_MS,
      work: async () => releases.consider(await read()),
      onError: (error) => log.warn({ err: error }, 'edge.document-unreadable'),
    }),
  )
}

function tellStatus(releases: Releases, scrubbing: ScrubState, response: ServerResponse): void {
  const { inForce, lastGood } = releases
  if (!inForce) return void response.writeHead(503).end()
  const { agent, read } = inForce
  const { awaySinceMs } = agent.sources
  const status: EdgeStatus = {
    name: read.document.name,
    generation: read.document.generation,
    documentHash: read.hash,
    state: awaySinceMs === null ? 'serving' : 'origin-away',
    originAwaySince: awaySinceMs === null ? null : new Date(awaySinceMs).toISOString(),
    sources: agent.sources.list(),
    isFailingStatic: agent.sources.isFailingStatic,
    mirror: {
      objects: scrubbing.objects,
      sizeBytes: scrubbing.sizeBytes,
      rotten: scrubbing.rotten,
      scrubbedAt: scrubbing.scrubbedAt?.toISOString() ?? null,
    },
    lastGoodHash: lastGood.hash,
    quarantined: [...lastGood.list()],
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(status))
}
