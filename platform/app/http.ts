/** HTTP as all roles speak it: validation by zod, problem details, request ids, origin checks, security headers. */
import { randomUUID } from 'node:crypto'
import Fastify, { LogController, type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { ClientGoneError, NotAdmittedError } from '../../kit/admission/index.ts'
import type { ZodApp } from '../../kit/http/fastify-scope.ts'
import { isFromElsewhere } from '../../kit/http/fetch-site.ts'
import { refusalOf, sendProblem } from '../../kit/http/problem-replies.ts'
import { createProxyTrust } from '../../kit/network/proxy-trust.ts'
import { inputCompiler } from '../../kit/http/read-input.ts'
import { isDatabaseUnavailable, isUnstorableText } from '../infra/db/index.ts'
import type { Ctx } from './context.ts'
import { AppError, SignedOutError } from './errors.ts'
import {
  NO_PATIENCE_LIMIT,
  PATIENCE,
  refuseBrokenRequest,
  watchAnswers,
  watchBodies,
  type Patience,
} from './slow-clients.ts'

/** Who asks. */
export interface Viewer {
  readonly id: string
  readonly handle: string
  readonly role: 'member' | 'operator'
  readonly sessionId: string
  /** The database is away: memory or a signed assertion says who they are, and nobody could look whether it still holds. */
  readonly isUnchecked?: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null for a signed-out visitor. */
    viewer: Viewer | null
    /** There is a session's cookie, and nobody can tell at this moment whose it is: `viewer` is null then. */
    isViewerUnknown: boolean
  }
}

export type App = ZodApp

/** A module's routes: mounted under a prefix by the role. */
export type Routes = (app: App, ctx: Ctx) => void | Promise<void>

export const JSON_BODY_MAX_BYTES = 64 * 1024
const HSTS_MAX_AGE_S = 365 * 24 * 3600
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

export interface AppOptions {
  /** Whether requests come through a role on this machine, whose word on the client's address counts. @default false */
  readonly isBehindLoopback?: boolean
  /** With slow clients. @default PATIENCE */
  readonly patience?: Patience
}

/** Makes a Fastify instance with everything but routes. */
export function createApp(ctx: Ctx, options: AppOptions = {}): App {
  const isPatienceOff = ctx.config.protectionsOff.has('patience')
  const { isBehindLoopback = false, patience = isPatienceOff ? NO_PATIENCE_LIMIT : PATIENCE } = options
  const trusted = [...ctx.config.trustedProxies, ...(isBehindLoopback ? ['127.0.0.1', '::1'] : [])]
  const app = Fastify({
    loggerInstance: ctx.log,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: createProxyTrust(trusted),
    bodyLimit: JSON_BODY_MAX_BYTES,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 512 },
    // A whole request may take as long as an upload does: slow clients are found out by `patience`.
    requestTimeout: 0,
    http: { headersTimeout: patience.headersMs, connectionsCheckingInterval: patience.checkMs },
    clientErrorHandler: refuseBrokenRequest,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(inputCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.decorateRequest('viewer', null)
  app.decorateRequest('isViewerUnknown', false)
  // RFC 6797: browsers come by HTTPS alone from then on; they ignore it where they came without.
  const isHttpsOnly = ctx.config.publicUrl?.startsWith('https:') ?? false
  app.addHook('onRequest', watchBodies(patience))
  app.addHook('onRequest', watchAnswers(patience))
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    reply.header('referrer-policy', 'strict-origin-when-cross-origin')
    if (isHttpsOnly) reply.header('strict-transport-security', `max-age=${HSTS_MAX_AGE_S}`)
    if (!SAFE_METHODS.has(request.method)) refuseForeignOrigin(ctx, request)
  })
  app.setErrorHandler((error: FastifyError | Error, request, reply) => sendError(ctx, error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendError(
      ctx,
      new AppError('no-such-route', {
        detail: `There is no ${request.method} ${request.url.split('?')[0]}.`,
      }),
      request,
      reply,
    ),
  )
  return app as unknown as App
}

/** The signed-in viewer. @throws {SignedOutError} {AppError} database-unavailable when nobody can tell who it is. */
export function requireViewer(request: FastifyRequest): Viewer {
  if (request.viewer) return request.viewer
  if (!request.isViewerUnknown) throw new SignedOutError()
  throw new AppError('database-unavailable', {
    detail: 'Whether you are still signed in can not be checked without the database.',
    retryAfterS: 5,
  })
}

/** The signed-in operator. @throws as `requireViewer` does, and {AppError} not-allowed for anybody else. */
export function requireOperator(request: FastifyRequest): Viewer {
  const viewer = requireViewer(request)
  if (viewer.role !== 'operator') throw new AppError('not-allowed')
  return viewer
}

/** Scheme and host by which the client reached us. */
export function originOf(ctx: Ctx, request: FastifyRequest): string {
  return ctx.config.publicUrl ?? `${request.protocol}://${request.host}`
}

/**
 * Browsers name the site that a write comes from; a foreign one is refused (cross-site request forgery). Programs
 * send no Origin and carry no cookie that a foreign page could borrow.
 */
function refuseForeignOrigin(ctx: Ctx, request: FastifyRequest): void {
  const origin = request.headers.origin
  if (origin === undefined) {
    if (isFromElsewhere(request.headers)) throw new AppError('foreign-origin')
    return
  }
  if (origin !== originOf(ctx, request) && origin !== `${request.protocol}://${request.host}`) {
    throw new AppError('foreign-origin', { detail: `${origin} is not this instance.` })
  }
}

/** Sends any error as problem details. What was not thrown on purpose is logged here, once. */
export function sendError(
  ctx: Ctx,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  // Whatever came of it when its work was given up: nobody reads the answer.
  const known = request.admission?.isGone ? new AppError('client-gone', { cause: error }) : toAppError(error)
  if (known.code === 'unexpected')
    ctx.log.error({ err: error, requestId: request.id, route: request.routeOptions.url }, 'unexpected error')
  return sendProblem(known, request, reply)
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof ClientGoneError) return new AppError('client-gone', { cause: error })
  if (error instanceof NotAdmittedError)
    return new AppError('busy', {
      detail: `The ${error.at} has more to do than it can.`,
      retryAfterS: error.retryAfterS,
      facts: { class: `P${error.class}`, at: error.at },
      cause: error,
    })
  if (isDatabaseUnavailable(error))
    return new AppError('database-unavailable', { retryAfterS: 5, cause: error })
  if (isUnstorableText(error))
    return new AppError('invalid-input', { detail: 'A text has a character (NUL) that can not be kept.' })
  const refusal = refusalOf(error)
  return refusal ? new AppError(refusal.code, refusal.details) : new AppError('unexpected', { cause: error })
}
