/** HTTP as the watch speaks it: validation by zod, problem details, request ids, origin checks, security headers. */
import Fastify, { LogController, type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { ZodApp } from '../../kit/http/fastify-scope.ts'
import { isFromElsewhere } from '../../kit/http/fetch-site.ts'
import { refusalOf, sendProblem } from '../../kit/http/problem-replies.ts'
import { createProxyTrust } from '../../kit/network/proxy-trust.ts'
import { inputCompiler } from '../../kit/http/read-input.ts'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'

export type WatchApp = ZodApp

/** A part's routes. */
export type WatchRoutes = (app: WatchApp, ctx: WatchCtx) => void | Promise<void>

export const BODY_MAX_BYTES = 256 * 1024
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What pages may do; a page that needs more sets its own header. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "worker-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const PAGE_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'strict-origin-when-cross-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': CONTENT_SECURITY_POLICY,
}
/** Of data, should somebody show it as a page. */
const DATA_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

/** Makes a Fastify instance with everything but routes. */
export function createWatchApp(ctx: WatchCtx): WatchApp {
  const { trustedProxies } = ctx.config
  const app = Fastify({
    loggerInstance: ctx.log,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: createProxyTrust(trustedProxies),
    bodyLimit: BODY_MAX_BYTES,
    genReqId: () => ctx.newId(),
    // What is logged of a request names it itself; a logger for each costs more than most answers.
    childLoggerFactory: (logger) => logger,
    routerOptions: { maxParamLength: 256 },
    requestTimeout: 15_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(inputCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(request.url.startsWith('/api/') ? DATA_HEADERS : PAGE_HEADERS)
    if (!SAFE_METHODS.has(request.method)) refuseForeignCookies(ctx, request)
    done()
  })
  app.setErrorHandler((error: FastifyError | Error, request, reply) => sendError(ctx, error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendError(
      ctx,
      new WatchError('no-such-route', {
        detail: `There is no ${request.method} ${request.url.split('?')[0]}.`,
      }),
      request,
      reply,
    ),
  )
  return app as unknown as WatchApp
}

/** Scheme and host by which the client reached us. */
export function originOf(ctx: WatchCtx, request: FastifyRequest): string {
  return ctx.config.publicUrl ?? `${request.protocol}://${request.host}`
}

/**
 * A foreign page may not write in the name of an operator's session (cross-site request forgery). Without a cookie there
 * is nothing to borrow: the platform's app, say, reports from its own origin.
 */
function refuseForeignCookies(ctx: WatchCtx, request: FastifyRequest): void {
  if (request.headers.cookie === undefined) return
  const { origin } = request.headers
  if (origin === undefined) {
    if (isFromElsewhere(request.headers)) throw new WatchError('foreign-origin')
    return
  }
  if (origin !== originOf(ctx, request) && origin !== `${request.protocol}://${request.host}`)
    throw new WatchError('foreign-origin', { detail: `${origin} is not this watch.` })
}

/** Sends any error as problem details. What was not thrown on purpose is logged here, once. */
export function sendError(
  ctx: WatchCtx,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = toWatchError(error)
  if (known.code === 'unexpected')
    ctx.log.error({ err: error, requestId: request.id, route: request.routeOptions.url }, 'unexpected error')
  return sendProblem(known, request, reply)
}

function toWatchError(error: unknown): WatchError {
  if (error instanceof WatchError) return error
  const refusal = refusalOf(error)
  if (!refusal) return new WatchError('unexpected', { cause: error })
  const limit = refusal.code === 'body-too-large' && { facts: { limitBytes: BODY_MAX_BYTES } }
  return new WatchError(refusal.code, { ...refusal.details, ...limit })
}
