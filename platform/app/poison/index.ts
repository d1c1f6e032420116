/**
 * Requests that end the process: which shape of request was at work when it died is left on the disk for the supervisor,
 * and the shapes that it bars are refused.
 *
 * A shape is a method, a route and the ids that its path names; of a route without ids, who asks.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Clock } from '../../../kit/clock.ts'
import { prefixesOf } from '../../../kit/network/prefixes.ts'
import { AppError } from '../errors.ts'
import type { App } from '../http.ts'

const Crash = z.object({
  at: z.iso.datetime(),
  /** Whose code threw; null: no request's. */
  running: z.string().nullable(),
  /** All that were under way, without those beyond the first few hundred. */
  underWay: z.array(z.string()),
  /** For people. */
  reason: z.string(),
})
export type Crash = z.infer<typeof Crash>

const UNDER_WAY_MAX = 500
const SHAPE_MAX_LENGTH = 300
/** `:id`, or the wildcard, of a route's pattern. */
const PARAMETER = /:?(\*|(?<=:)\w+)/g
const REASON_MAX_LENGTH = 200

const crashPath = (dataDir: string): string => join(dataDir, 'run', 'crash-api.json')

/** What this process is told to refuse. */
export interface Bars {
  set(shapes: readonly { readonly shape: string; readonly untilAt: string }[]): void
  /** When it is served again; null: it is not barred. */
  untilOf(shape: string): Date | null
  readonly isEmpty: boolean
}

/** Nothing is barred before the first `set`. */
export function createBars(): Bars {
  let barred = new Map<string, Date>()
  return {
    set(shapes) {
      barred = new Map(shapes.map(({ shape, untilAt }) => [shape, new Date(untilAt)]))
    },
    untilOf: (shape) => barred.get(shape) ?? null,
    get isEmpty() {
      return barred.size === 0
    },
  }
}

/**
 * Of a route with ids or a wildcard, the path, however it was written; of any other, the route with who asks: an account, or the
 * network of a stranger, so that nobody can have a route closed to all. Queries are no part of it.
 */
export function shapeOf(request: FastifyRequest): string {
  const path = pathOf(request)
  const who = namesId(request) ? '' : ` by ${request.viewer?.id ?? prefixesOf(request.ip).site}`
  return `${request.method} ${encodeURI(path)}${who}`.slice(0, SHAPE_MAX_LENGTH)
}

const patternOf = (request: FastifyRequest): string => request.routeOptions.url ?? 'no route'
const namesId = (request: FastifyRequest): boolean => patternOf(request).search(PARAMETER) >= 0

function pathOf(request: FastifyRequest): string {
  const params = (request.params ?? {}) as Readonly<Record<string, string>>
  return patternOf(request).replaceAll(PARAMETER, (_, name: string) => (params[name] ?? '').toLowerCase())
}

/**
 * Follows the requests under way, and refuses those that are barred: before their session is looked up and their body is read
 * where the path alone says it, else once it is known who asks.
 */
export function openPoisonGate(
  app: App,
  { bars, clock, dataDir }: { readonly bars: Bars; readonly clock: Clock; readonly dataDir: string },
): void {
  const running = new AsyncLocalStorage<FastifyRequest>()
  const underWay = new Set<FastifyRequest>()
  const refuseBarred = (request: FastifyRequest, done: (error?: Error) => void) => {
    const until = bars.isEmpty ? null : bars.untilOf(shapeOf(request))
    if (!until) return done()
    const retryAfterS = Math.max(1, Math.ceil((until.getTime() - clock.now().getTime()) / 1_000))
    done(new AppError('request-barred', { retryAfterS }))
  }
  app.addHook('onRequest', (request, reply, done) => {
    underWay.add(request)
    reply.raw.once('close', () => underWay.delete(request))
    running.run(request, () => (namesId(request) ? refuseBarred(request, done) : done()))
  })
  // A body comes by events of the connection, which are no request's.
  app.addHook('preValidation', (request, _reply, done) => running.run(request, done))
  app.addHook('preHandler', (request, _reply, done) =>
    namesId(request) ? done() : refuseBarred(request, done),
  )
  const leaveWord = (error: Error) => {
    const store = running.getStore()
    leaveCrash(dataDir, {
      at: clock.now().toISOString(),
      running: store ? shapeOf(store) : null,
      underWay: [...new Set([...underWay].slice(0, UNDER_WAY_MAX).map(shapeOf))],
      reason: String(error?.message ?? error).slice(0, REASON_MAX_LENGTH),
    })
  }
  // It only looks on: the process dies as it would without, of errors that nobody caught and of such rejections.
  process.on('uncaughtExceptionMonitor', leaveWord)
  app.addHook('onClose', async () => void process.off('uncaughtExceptionMonitor', leaveWord))
}

/** Nothing else runs any more: it is written before the process is gone, or not at all. */
function leaveCrash(dataDir: string, crash: Crash): void {
  try {
    mkdirSync(dirname(crashPath(dataDir)), { recursive: true })
    writeFileSync(crashPath(dataDir), JSON.stringify(crash))
  } catch {
    // A disk that takes nothing: the process dies without a word.
  }
}

/** What a process that died left, once; null: nothing, or nothing that can be read. */
export function takeCrash(dataDir: string): Crash | null {
  try {
    const text = readFileSync(crashPath(dataDir), 'utf8')
    rmSync(crashPath(dataDir), { force: true })
    return Crash.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
