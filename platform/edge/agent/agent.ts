/** The agent of one document: answers nginx, which asks what is not on its disk. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { EdgeDocument } from '../../../contract/edge.ts'
import type { Log } from '../../../kit/log.ts'
import type { EdgeConfig } from '../config.ts'
import { DigestMismatchError, type Mirror } from '../mirror/mirror.ts'
import { toReprDigest } from './ask.ts'
import { openPages, type Page, type Pages } from './pages.ts'
import { NoDigestError, openSegments, type SegmentFound, type Segments } from './segments.ts'
import { openSources, SourceStatusError, type Sources } from './sources.ts'

const TOKENED = /^\/media\/t\/[A-Za-z0-9_-]{48}(\/.+)$/
/** What nginx says of a page of which it has an old copy. */
const KEPT = /^(?:EXPIRED|STALE|UPDATING|REVALIDATED)$/
const RETRY_AFTER_S = 2
const IMMUTABLE = 'public, max-age=31536000, immutable'

export interface Agent extends AsyncDisposable {
  readonly document: EdgeDocument
  readonly sources: Sources
  readonly segments: Segments
  answer(request: IncomingMessage, response: ServerResponse): void
}

export interface AgentOptions {
  readonly document: EdgeDocument
  readonly config: Pick<EdgeConfig, 'protectionsOff'>
  readonly mirror: Mirror
  readonly log: Log
  readonly onOrderChange: () => void
  readonly onRot: (sha256: string) => void
}

/** Begins to probe its sources. */
export function openAgent({ document, config, mirror, log, onOrderChange, onRot }: AgentOptions): Agent {
  const isOn = (name: Parameters<typeof config.protectionsOff.has>[0]) => !config.protectionsOff.has(name)
  const { fetchTimeoutMs } = document.limits
  const sources = openSources({
    document,
    isStatic: isOn('staleness'),
    isLoadBounded: isOn('bounded-load'),
    onChange: onOrderChange,
  })
  const isCoalescing = isOn('coalescing')
  const segments = openSegments({
    ...{ mirror, sources, fetchTimeoutMs, isCoalescing, onRot },
    areDigestsOn: isOn('digests'),
  })
  const pages = openPages({
    ...{ sources, statusUrl: document.statusUrl, fetchTimeoutMs, isCoalescing },
    areDigestsOn: isOn('digests'),
  })
  return {
    document,
    sources,
    segments,
    answer(request, response) {
      const answering =
        request.headers['upbeat-fill'] === 'page'
          ? answerPage(pages, request, response)
          : answerSegment({ segments, name: document.name }, request, response)
      answering.catch((error: unknown) => refuse(response, error, log, request.url ?? ''))
    },
    [Symbol.asyncDispose]: () => sources[Symbol.asyncDispose](),
  }
}

/** A server that hands each request to whoever is the agent then. */
export const createFillServer = (answer: Agent['answer']): Server =>
  createServer({ keepAliveTimeout: 60_000 }, answer)

async function answerSegment(
  { segments, name }: { readonly segments: Segments; readonly name: string },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestPath = request.url!.split('?', 1)[0]!
  const loop = String(request.headers['cdn-loop'] ?? '')
  // RFC 8586: what has come through here before would go round for ever.
  if (loop.includes(`upbeat-${name}`)) return void response.writeHead(508).end()
  const tail = TOKENED.exec(requestPath)?.[1]
  const asked = {
    ...{ requestPath, host: request.headers.host ?? '', isForEdge: loop !== '' },
    scope: tail === undefined ? ('open' as const) : ('tokened' as const),
    path: tail === undefined ? requestPath : `/media${tail}`,
  }
  const isDoubted = String(request.headers['cache-control'] ?? '').includes('no-cache')
  const found = await segments.find(asked, isDoubted)
  response.writeHead(200, {
    'x-accel-redirect': `/-/mirror/${pathOf(found)}`,
    'content-type': /\/a\d+\/[^/]+$/.test(asked.path) ? 'audio/mp4' : 'video/mp4',
    // How long what needs a token may be kept, nginx says: it has read the token.
    ...(tail === undefined && { 'cache-control': IMMUTABLE }),
    'repr-digest': toReprDigest(found.sha256),
    'upbeat-cache': found.cacheStatus,
  })
  response.end()
}

const pathOf = ({ sha256, extension }: SegmentFound): string =>
  `objects/${sha256.slice(0, 2)}/${sha256}${extension}`

async function answerPage(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host = '', 'x-forwarded-for': from, 'x-forwarded-proto': protocol } = request.headers
  const page: Page = await pages.find({
    path: request.url!,
    isOldKept: KEPT.test(String(request.headers['upbeat-kept'] ?? '')),
    host,
    forwarded: {
      ...(from !== undefined && { 'x-forwarded-for': String(from) }),
      ...(protocol !== undefined && { 'x-forwarded-proto': String(protocol) }),
      ...(request.headers.accept !== undefined && { accept: request.headers.accept }),
    },
  })
  // nginx takes its word against that of `cache-control` only when it comes first.
  response.writeHead(page.status, { 'x-accel-expires': String(page.freshS), ...page.headers })
  response.end(page.body)
}

function refuse(response: ServerResponse, error: unknown, log: Log, path: string): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  // Without a digest nothing is kept; whoever asked gets it from the source itself.
  if (error instanceof NoDigestError)
    return void response.writeHead(200, { 'x-accel-redirect': '@through' }).end()
  const isAnswer = error instanceof SourceStatusError && error.status < 500
  if (!isAnswer && error instanceof DigestMismatchError)
    log.warn({ err: error, path }, 'edge.digest-mismatch')
  const status = isAnswer ? error.status : 503
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(!isAnswer && { 'retry-after': String(RETRY_AFTER_S) }),
  })
  response.end(
    JSON.stringify({
      type: 'about:blank',
      code: isAnswer ? 'not-found' : 'origin-away',
      status,
      title: isAnswer
        ? 'It is not here'
        : 'What is asked for is not on this edge, and its origin can not be reached',
      detail: isAnswer
        ? 'Check the address.'
        : 'Try again in some seconds, or by another name of this instance.',
    }),
  )
}
