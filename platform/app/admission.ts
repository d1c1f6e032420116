/** Admission as all roles have it: who a request counts for, what a refusal says, and the doors before the database. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  createHintReader,
  Door,
  installAdmission,
  readCookie,
  signHint,
  type AdmissionRule,
  type Hint,
  type Refused,
} from '../../kit/admission/index.ts'
import { networkOf } from '../../kit/network-of.ts'
import { toProblemBody } from '../../kit/problem-details.ts'
import { createRecentMap } from '../../kit/recent-map.ts'
import type { Ctx } from './context.ts'
import { AppError } from './errors.ts'
import type { App, Viewer } from './http.ts'
import type { GateCounts } from './steward/sensors.ts'

const CLASSES = [0, 1, 2, 3] as const

/** Told to the browser at the check of its session; read before anything is looked up. */
const HINT_COOKIE = 'upbeat.hint'
const HINT_S = 12 * 3_600
/** Sessions that were ended and are remembered: beyond that the oldest are forgotten, and their hints end by themselves. */
const ENDED_MAX = 50_000
/** Those who put things right go first. */
const OPERATOR_CLASS = 0

/** Longer than at the door of the process: something has been done already for whoever waits here. */
const DATABASE_WAIT_MS = 500

/** The door before the connections of a pool: never more than there are, fewer when PostgreSQL gets slow with so many. */
export function createDatabaseDoor(poolSize: number): Door {
  return new Door({
    name: 'database',
    initial: poolSize,
    max: poolSize,
    waitMs: DATABASE_WAIT_MS,
  })
}

export interface DoorParts {
  readonly ruleOf: (method: string, url: string) => AdmissionRule | undefined
  /** The session's token as the browser sent it, unchecked; null: it sent none. */
  readonly sessionOf: (request: FastifyRequest) => string | null
  /** Calls with the token of each session that is ended; the answer stops it. */
  readonly onSessionEnded: (handler: (token: string) => void) => () => void
}

/** Puts the door before an app's routes; null where the configuration leaves it open. */
export function openDoor(app: App, ctx: Ctx, parts: DoorParts): Door | null {
  if (!ctx.config.isAdmissionOn) {
    app.decorateRequest('admission', null)
    return null
  }
  const readHint = createHintReader(ctx.secrets.session)
  // Nothing is looked up here: who has signed out is remembered for as long as their hint would be good.
  const ended = createRecentMap<string, true>(ENDED_MAX)
  const stop = parts.onSessionEnded((token) => ended.set(token, true))
  app.addHook('onClose', async () => stop())
  const hintOf = (request: FastifyRequest): Hint | null => {
    const text = readCookie(request.raw.headers.cookie, HINT_COOKIE)
    const token = text === null ? null : parts.sessionOf(request)
    if (token === null || ended.get(token)) return null
    return readHint(text, Date.now(), token)
  }
  return installAdmission(app as never, {
    ruleOf: parts.ruleOf,
    hintOf,
    personOf: (request) => networkOf(request.ip),
    salt: saltOf(ctx.secrets.cursor),
    renderRefusal,
  })
}

/**
 * How many the door has let in and turned away so far, by class. Whoever asks for more than a fair share is left out: that one
 * floods is no reason to do less for all.
 */
export const countsOf = ({ gate }: Door): GateCounts => ({
  admitted: CLASSES.map((each) => gate.admittedOf(each)),
  refused: CLASSES.map((each) => gate.refusedOf(each) - gate.refusedOf(each, 'share')),
})

/**
 * Tells the browser of a signed-in viewer what its requests count as, for this session alone; once in a while, when it has
 * not been told.
 */
export function giveHint(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  to: { readonly viewer: Viewer; readonly token: string } | null,
): void {
  if (!to) return takeHint(request, reply)
  if (!ctx.config.isAdmissionOn) return
  const { viewer, token } = to
  const hint: Hint = { person: viewer.id, class: viewer.role === 'operator' ? OPERATOR_CLASS : null }
  const nowMs = Date.now()
  const has = createHintReader(ctx.secrets.session)(readHintCookie(request), nowMs, token)
  if (has?.person === hint.person && has.class === hint.class) return
  setHintCookie(request, reply, signHint(ctx.secrets.session, hint, nowMs + HINT_S * 1_000, token), HINT_S)
}

/** Takes it away again, where there is one: nobody who has signed out goes before others. */
export function takeHint(request: FastifyRequest, reply: FastifyReply): void {
  if (readHintCookie(request)) setHintCookie(request, reply, '', 0)
}

const readHintCookie = (request: FastifyRequest): string | null =>
  readCookie(request.raw.headers.cookie, HINT_COOKIE)

function setHintCookie(request: FastifyRequest, reply: FastifyReply, value: string, maxAgeS: number): void {
  const isSecure = request.protocol === 'https'
  reply.header(
    'set-cookie',
    `${HINT_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure ? '; Secure' : ''}`,
  )
}

const bodies = CLASSES.map((level) => {
  const problem = toProblemBody(
    new AppError('busy', { retryAfterS: -1, facts: { class: `P${level}` } }),
    'REQUEST_ID',
  )
  return JSON.stringify(problem)
})

/** The one answer that must cost nothing when there is nothing to spare. */
function renderRefusal({ class: level, retryAfterS, requestId }: Refused): string {
  return bodies[level]!.replace('"retryAfterS":-1', `"retryAfterS":${retryAfterS}`).replace(
    'REQUEST_ID',
    requestId,
  )
}

function saltOf(secret: string): number {
  let salt = 0
  for (let at = 0; at < secret.length; at++) salt = (Math.imul(salt, 31) + secret.charCodeAt(at)) | 0
  return salt
}
