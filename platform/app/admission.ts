/** Admission as all roles have it: who a request counts for, what a refusal says, and the doors before what it stands on. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  createHintReader,
  currentScope,
  Door,
  inScopeOf,
  installAdmission,
  readCookie,
  Scope,
  signHint,
  type AdmissionRule,
  type Hint,
  type PriorityClass,
  type Refused,
} from '../../kit/admission/index.ts'
import { networkOf } from '../../kit/network/network-of.ts'
import { toProblemBody } from '../../kit/http/problem-details.ts'
import { createRecentMap } from '../../kit/bounded/recent-map.ts'
import type { Ctx } from './context.ts'
import { AppError } from './errors.ts'
import type { App, Viewer } from './http.ts'
import { CLASSES } from './priority-classes.ts'
import type { GateCounts } from './steward/sensors.ts'

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

/** Half of the threads that Node has for such work, so that files are read beside it. */
const HASHES_AT_ONCE = 2
/** Some eighty people: whoever signs in waits for that, and no longer. */
const HASHING_WAIT_MS = 2_000
const HASHING_WAITING_MAX = 128

/** The door before Argon2id. Its limit is that of the threads: there is nothing to find out. */
export const createHashingDoor = (): Door =>
  new Door({
    name: 'hashing',
    initial: HASHES_AT_ONCE,
    max: HASHES_AT_ONCE,
    waitMs: HASHING_WAIT_MS,
    maxWaiting: HASHING_WAITING_MAX,
    isFixed: true,
    isCutting: false,
  })

/** Files being opened for people. A disk that works opens each in a millisecond: only one that hangs ever has so many. */
const BLOBS_AT_ONCE = 64
const BLOBS_WAIT_MS = 500

/** The door before what is read for people from the blob store. */
export const createBlobsDoor = (): Door =>
  new Door({
    name: 'blob store',
    initial: BLOBS_AT_ONCE,
    max: BLOBS_AT_ONCE,
    waitMs: BLOBS_WAIT_MS,
    isFixed: true,
    isCutting: false,
  })

/** Counts the jobs of a lane; that there are no more than these at once is the queue's doing. */
export const createEncoderDoor = (jobsAtOnce: number): Door =>
  new Door({ name: 'encoder', initial: jobsAtOnce, max: jobsAtOnce, isFixed: true, isCutting: false })

/**
 * Runs a request's work so that doors know it for one. With admission off it has no scope of its own, and would count as
 * a job, which waits for as long as it takes.
 */
export function inRequestScope<T>(priorityClass: PriorityClass, work: () => Promise<T>): Promise<T> {
  return currentScope() ? work() : inScopeOf(new Scope(priorityClass, Infinity, false), work)
}

export interface DoorParts {
  readonly ruleOf: (method: string, url: string) => AdmissionRule | undefined
  /** The session's token as the browser sent it, unchecked; null: it sent none. */
  readonly sessionOf: (request: FastifyRequest) => string | null
  /** Calls with the token of each session that is ended; the answer stops it. */
  readonly onSessionEnded: (handler: (token: string) => void) => () => void
  /** Whether this session was ended as far as is known here, also before this process was; asked only of the few who go first. */
  readonly mayHaveEnded: (token: string) => boolean
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
    const hint = readHint(text, Date.now(), token)
    return hint !== null && hint.class !== null && parts.mayHaveEnded(token) ? null : hint
  }
  return installAdmission(app as never, {
    ruleOf: parts.ruleOf,
    hintOf,
    personOf: (request) => networkOf(request.ip),
    salt: saltOf(ctx.secrets.cursor),
    renderRefusal,
  })
}

/** One floods, or says to have no patience (`X-Deadline-Ms: 1`): no reason to do less for all. */
const REFUSALS_OF_ONES_OWN = ['share', 'deadline'] as const

/** How many the door has let in and turned away so far, by class; those who brought it upon themselves are left out. */
export const countsOf = ({ gate }: Door): GateCounts => ({
  admitted: CLASSES.map((each) => gate.admittedOf(each)),
  refused: CLASSES.map((each) =>
    REFUSALS_OF_ONES_OWN.reduce((count, own) => count - gate.refusedOf(each, own), gate.refusedOf(each)),
  ),
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
