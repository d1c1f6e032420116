/**
 * Admission as a Fastify plugin: decides before sessions are looked up and before any body is read, and answers those it
 * turns away by itself, at the cost of writing one short answer.
 *
 * It adds an `onRequest` hook, so it goes before whatever costs something (sessions, parsers), and before the routes that
 * it should know.
 */
import type { IncomingHttpHeaders, OutgoingHttpHeader, ServerResponse } from 'node:http'
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onSendHookHandler,
  preValidationHookHandler,
  RouteOptions,
} from 'fastify'
import { connectionOf, endTurn, takeTurn } from './connection.ts'
import { personKeyOf, retryAfterS, Ticket, type PriorityClass, type Refusal } from './core/index.ts'
import { Door, type DoorOptions } from './door.ts'
import type { Hint } from './hint.ts'
import { inScopeOf, Scope } from './scope.ts'

/** How requests of one route are admitted. */
export interface AdmissionRule {
  readonly class: PriorityClass
  /** For a route that many things lie under: the class by the address (path and query, as sent). @default `class` for all */
  readonly classOf?: (url: string) => PriorityClass
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
  /** Its body is read before it is begun. */
  readonly readsBody?: boolean
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
/** Who has no signed word about themselves counts as an address, and behind it there may be a whole school. */
const STRANGERS_AT_ONE_ADDRESS = 16
const DEFAULT_RULE: AdmissionRule = { class: 2 }
/** Fastify reads no body with them. */
const BODYLESS_METHODS = new Set(['GET', 'HEAD', 'TRACE'])

/** Puts a door before all routes that are registered afterwards; answers the door, for metrics and for whoever steers. */
export function installAdmission(app: FastifyInstance, options: AdmissionOptions = {}): Door {
  const admission = new Admission(options)
  app.decorateRequest('admission', null)
  app.addHook('onClose', async () => admission.door.close())
  app.addHook('onRoute', (route) => admission.giveRule(route))
  app.addHook('onRequest', (request, reply, done) => admission.receive(request, reply, done))
  return admission.door
}

class Admission {
  readonly door: Door
  readonly #options: AdmissionOptions
  readonly #defaultRule: RouteRule
  readonly #personOf: (request: FastifyRequest) => string
  readonly #salt: number
  /** 0 is what no route knows. */
  #kinds = 1
  // Only of those that are looked up again in the middle of their life.
  readonly #streaming = new WeakMap<FastifyRequest, Ticket>()
  readonly #withBodies = new WeakMap<FastifyRequest, Arrival>()

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#defaultRule = options.defaultRule ?? DEFAULT_RULE
    this.#personOf = options.personOf ?? ((request) => request.ip)
    this.#salt = options.salt ?? 0
    this.door = new Door({ name: 'process', isThreadBound: true, ...options })
  }

  giveRule(route: RouteOptions): void {
    const method = [route.method].flat()[0]!
    const rule = route.config?.admission ?? this.#options.ruleOf?.(method, route.url) ?? this.#defaultRule
    const readsBody = [route.method].flat().some((each) => !BODYLESS_METHODS.has(each.toUpperCase()))
    route.config = { ...route.config, admission: { ...rule, kind: this.#kinds++, readsBody } }
    // Only where it is needed: each hook is a step more for every request.
    if (readsBody) {
      const goOn: preValidationHookHandler = (request, _reply, done) => this.goOnAfterBody(request, done)
      route.preValidation = [goOn, ...[route.preValidation ?? []].flat()]
    }
    if (rule.holds !== 'head') return
    const leaveAtHead: onSendHookHandler = (request, _reply, payload, done) => {
      const ticket = this.#streaming.get(request)
      if (ticket) this.door.leave(ticket)
      done(null, payload)
    }
    route.onSend = [leaveAtHead, ...[route.onSend ?? []].flat()]
  }

  receive(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    takeTurn(connectionOf(request.raw.socket), request.raw.socket, () => this.#arrive(request, reply, done))
  }

  #arrive(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    const { socket } = request.raw
    const connection = connectionOf(socket)
    const rule = request.routeOptions.config?.admission ?? this.#defaultRule
    const hint = this.#options.hintOf?.(request) ?? null
    const { headers } = request.raw
    const ticket = new Ticket(
      classOf(rule, request.raw.url ?? '', hint, headers['priority']),
      rule.kind ?? 0,
      personKeyOf(hint?.person ?? this.#personOf(request), this.#salt, Date.now()),
      deadlineOf(headers[DEADLINE_HEADER]),
    )
    ticket.asker = connection.asker
    if (!hint) ticket.persons = STRANGERS_AT_ONE_ADDRESS
    const scope = new Scope(ticket.class, ticket.deadlineMs, rule.isOwnWork ?? false)
    scope.place = { door: this.door, ticket }
    request.admission = scope
    // They come once: `once` would wrap them for nothing. The work is done when the answer is written: how long the client
    // takes to read it is its own affair, and no place is held for it. Not in the middle of writing: others begin by it.
    reply.raw.on('prefinish', () => process.nextTick(leaveAnswered, this.door, ticket, reply.raw))
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) scope.giveUp()
      leaveAnswered(this.door, ticket, reply.raw)
      endTurn(connection, socket)
    })
    const holdMs = this.door.holdMsOf(ticket)
    if (holdMs === 0) return this.#begin({ ticket, scope, rule, request, reply }, done)
    setTimeout(() => this.#begin({ ticket, scope, rule, request, reply }, done), holdMs).unref()
  }

  #begin(arrival: Arrival, done: () => void): void {
    const { ticket, scope, request, reply } = arrival
    const rule: RouteRule = arrival.rule
    if (scope.isGone) return void reply.hijack()
    if (rule.holds === 'head') this.#streaming.set(request, ticket)
    if (rule.readsBody && rule.holds !== 'nothing' && hasBody(request.raw.headers)) {
      this.door.screen(ticket)
      if (ticket.state === 'refused') return this.#refuse(arrival)
      this.#withBodies.set(request, arrival)
      return inScopeOf(scope, done)
    }
    this.#enter(arrival, done)
  }

  /** A body ends in the context of its connection, not in that of its request. */
  goOnAfterBody(request: FastifyRequest, done: () => void): void {
    const arrival = this.#withBodies.get(request)
    if (arrival) this.#enter(arrival, done)
    else if (request.body === undefined) done()
    else inScopeOf(request.admission, done)
  }

  #enter(arrival: Arrival, done: () => void): void {
    const { ticket, scope, reply } = arrival
    // Gone while its body was read: it would never leave.
    if (scope.isGone) return void reply.hijack()
    this.door.enter(ticket)
    if (ticket.state === 'waiting') ticket.onTurn = () => this.#goOn(arrival, done)
    else this.#goOn(arrival, done)
  }

  #goOn(arrival: Arrival, done: () => void): void {
    const { ticket, scope, rule } = arrival
    if (ticket.state === 'refused') return this.#refuse(arrival)
    if (rule.holds === 'nothing') this.door.leave(ticket, false)
    inScopeOf(scope, done)
  }

  #refuse({ ticket, request, reply }: Arrival): void {
    const waitS = retryAfterS(ticket.class, Math.random)
    const body = (this.#options.renderRefusal ?? renderProblem)({
      class: ticket.class,
      refusal: ticket.refusal ?? 'full',
      retryAfterS: waitS,
      requestId: String(request.id),
    })
    reply.hijack()
    const response = reply.raw
    if (response.destroyed) return
    // A list is written as it is; an object would be made, and looked through, for every one who is turned away.
    const headers: OutgoingHttpHeader[] = [
      'content-type',
      'application/problem+json',
      'content-length',
      Buffer.byteLength(body),
      'cache-control',
      'no-store',
      'retry-after',
      waitS,
      CLASS_HEADER,
      `P${ticket.class}`,
    ]
    const given = reply.getHeaders()
    for (const name in given)
      if (!headers.includes(name)) headers.push(name, given[name] as OutgoingHttpHeader)
    response.writeHead(503, headers)
    response.end(body)
  }
}

/** What fails at once says nothing of how long work takes. */
const leaveAnswered = (door: Door, ticket: Ticket, answer: ServerResponse): void =>
  door.leave(ticket, answer.writableEnded && answer.statusCode < 500)

interface Arrival {
  readonly ticket: Ticket
  readonly scope: Scope
  readonly rule: AdmissionRule
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')

/** Signed words raise; anybody may lower: RFC 9218 has urgency 7 for what nobody waits for. */
function classOf(
  rule: AdmissionRule,
  url: string,
  hint: Hint | null,
  priority: string | string[] | undefined,
): PriorityClass {
  if (priority !== undefined && /(^|[ ,])u=7\b/.test(String(priority))) return 3
  const usual = rule.classOf?.(url) ?? rule.class
  const raised = hint?.class ?? null
  return raised !== null && raised < usual ? raised : usual
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
