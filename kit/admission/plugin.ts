/**
 * Admission as a Fastify plugin: decides before sessions are looked up and before any body is read, and answers those it
 * turns away by itself, at the cost of writing one short answer.
 *
 * It adds an `onRequest` hook, so it goes before whatever costs something (sessions, parsers), and before the routes that
 * it should know.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { rankOf, retryAfterS, Ticket, type PriorityClass, type Refusal } from './core/index.ts'
import { Door, type DoorOptions } from './door.ts'
import type { Hint } from './hint.ts'
import { inScopeOf, Scope } from './scope.ts'

/** How requests of one route are admitted. */
export interface AdmissionRule {
  readonly class: PriorityClass
  /**
   * How long a request counts as under way: until it is answered; until its answer begins (what streams for as long as
   * the client reads); or not at all (what lasts for minutes without working).
   *
   * @default 'answer'
   */
  readonly holds?: 'answer' | 'head' | 'nothing'
  /** What is done for it is shared with no other request, and may be given up when its client is gone. @default false */
  readonly isOwnWork?: boolean
}

interface RouteRule extends AdmissionRule {
  /** Given to each route: round trips are compared within one. */
  readonly kind?: number
}

declare module 'fastify' {
  interface FastifyContextConfig {
    admission?: RouteRule
  }
  interface FastifyRequest {
    /** Null where admission is off, and for what holds no place. */
    admission: Scope | null
  }
}

/** Somebody who is turned away. */
export interface Refused {
  readonly class: PriorityClass
  readonly refusal: Refusal
  readonly retryAfterS: number
  readonly requestId: string
}

export interface AdmissionOptions extends Omit<DoorOptions, 'name' | 'isThreadBound'> {
  /** The rule of a route; by default what its `config.admission` says. */
  readonly ruleOf?: (method: string, url: string) => AdmissionRule | undefined
  /** @default { class: 2 } */
  readonly defaultRule?: AdmissionRule
  /** Who asks, where no hint says it. @default the address */
  readonly personOf?: (request: FastifyRequest) => string
  /** A signed word about who asks; it may raise the class. @default none */
  readonly hintOf?: (request: FastifyRequest) => Hint | null
  /** Kept from clients and alike in all processes. @default 0 */
  readonly salt?: number
  /** The body of the 503; headers are set here. @default problem details */
  readonly renderRefusal?: (refused: Refused) => string
}

/** How many milliseconds the sender will wait for the answer. */
export const DEADLINE_HEADER = 'x-deadline-ms'
/** In refusals: the class of the request. */
export const CLASS_HEADER = 'x-admission-class'
const DEADLINE_MAX_MS = 600_000
const DEFAULT_RULE: AdmissionRule = { class: 2 }

/** Puts a door before all routes that are registered afterwards; answers the door, for metrics and for whoever steers. */
export function installAdmission(app: FastifyInstance, options: AdmissionOptions = {}): Door {
  const { ruleOf, personOf = (request) => request.ip, hintOf } = options
  const defaultRule: RouteRule = options.defaultRule ?? DEFAULT_RULE
  const { salt = 0, renderRefusal = renderProblem, ...gate } = options
  const door = new Door({ name: 'process', isThreadBound: true, ...gate })
  let kinds = 0

  app.decorateRequest('admission', null)
  app.addHook('onClose', async () => door.close())
  app.addHook('onRoute', (route: RouteOptions) => {
    const methods = [route.method].flat()
    const rule = route.config?.admission ?? ruleOf?.(methods[0]!, route.url) ?? defaultRule
    route.config = { ...route.config, admission: { ...rule, kind: kinds++ } }
    if (rule.holds === 'head') route.onSend = [leaveAtHead, ...[route.onSend ?? []].flat()]
  })

  function leaveAtHead(request: FastifyRequest, _reply: FastifyReply, payload: unknown, done: OnSendDone) {
    const ticket = tickets.get(request)
    if (ticket) door.leave(ticket)
    done(null, payload)
  }
  // Of those few that are looked up in the middle of their life.
  const tickets = new WeakMap<FastifyRequest, Ticket>()

  app.addHook('onRequest', (request, reply, done) => {
    const rule = request.routeOptions.config?.admission ?? defaultRule
    const hint = hintOf?.(request) ?? null
    const { headers } = request.raw
    const person = hint?.person ?? personOf(request)
    const ticket = new Ticket(
      classOf(rule, hint, headers['priority']),
      rule.kind ?? 0,
      rankOf(person, salt, Date.now()),
      deadlineOf(headers[DEADLINE_HEADER]),
    )
    const scope = new Scope(ticket.class, ticket.deadlineMs, rule.isOwnWork ?? false)
    request.admission = scope
    door.enter(ticket)
    if (ticket.state === 'refused') return refuse(ticket, request, reply)
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) scope.giveUp()
      door.leave(ticket, reply.raw.writableFinished)
    })
    if (rule.holds === 'head') tickets.set(request, ticket)
    const begin = () => {
      if (rule.holds === 'nothing') door.leave(ticket, false)
      inScopeOf(scope, done)
    }
    if (ticket.state === 'admitted') return begin()
    ticket.onTurn = () => (ticket.state === 'admitted' ? begin() : refuse(ticket, request, reply))
  })

  // A body ends in the context of its connection, not in that of its request.
  app.addHook('preValidation', (request, _reply, done) =>
    request.body === undefined ? done() : inScopeOf(request.admission, done),
  )

  function refuse(ticket: Ticket, request: FastifyRequest, reply: FastifyReply): void {
    const waitS = retryAfterS(ticket.class, Math.random)
    const requestId = String(request.id)
    const refusal = ticket.refusal ?? 'full'
    const body = renderRefusal({ class: ticket.class, refusal, retryAfterS: waitS, requestId })
    reply.hijack()
    const response = reply.raw
    if (response.destroyed) return
    response.writeHead(503, {
      ...reply.getHeaders(),
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'retry-after': waitS,
      [CLASS_HEADER]: `P${ticket.class}`,
    } as Record<string, string | number>)
    response.end(body)
  }
  return door
}

type OnSendDone = (error: Error | null, payload: unknown) => void

/** Signed words raise; anybody may lower: RFC 9218 has urgency 7 for what nobody waits for. */
function classOf(
  rule: AdmissionRule,
  hint: Hint | null,
  priority: string | string[] | undefined,
): PriorityClass {
  if (priority !== undefined && /(^|[ ,])u=7\b/.test(String(priority))) return 3
  const raised = hint?.class ?? null
  return raised !== null && raised < rule.class ? raised : rule.class
}

/** By `performance.now()`. What is no number of milliseconds is no deadline. */
function deadlineOf(header: string | string[] | undefined): number {
  if (header === undefined) return Infinity
  const ms = Number(header)
  return ms > 0 && ms <= DEADLINE_MAX_MS ? performance.now() + ms : Infinity
}

function renderProblem({ class: priorityClass, retryAfterS: waitS, requestId }: Refused): string {
  return JSON.stringify({
    type: 'about:blank',
    title: 'The server has more to do than it can',
    status: 503,
    detail: `Requests of class P${priorityClass} are turned away just now.`,
    class: `P${priorityClass}`,
    retryAfterS: waitS,
    requestId,
  })
}
