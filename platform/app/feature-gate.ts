/** Before a feature's routes: what is paused is refused with its reason, and every answer says the level it was given at. */
import type {
  FastifyReply,
  FastifyRequest,
  onSendHookHandler,
  preValidationHookHandler,
  RouteOptions,
} from 'fastify'
import { FEATURE_MODES, LEVEL_HEADER, type FeatureMode, type FeatureState } from '../../contract/state.ts'
import type { Ctx } from './context.ts'
import { AppError } from './errors.ts'
import type { App } from './http.ts'
import type { Feature } from './steward/index.ts'

/** What a route belongs to. */
export interface FeatureRule {
  readonly feature: Feature
  /** The worst mode in which the route is still let in: what comes of it then is its module's affair. @default 'shared' */
  readonly upTo?: Exclude<FeatureMode, 'on' | 'paused'>
  /** It works for as long as the client sends, which says nothing of how quick we are. @default false */
  readonly isClientPaced?: boolean
}

interface Admitted {
  readonly feature: Feature
  /** By the monotonic clock: since when all that the client had to send is here. */
  fromMs: number
  /** What we needed until the answer began; null: it has not, or nobody can tell. */
  tookMs: number | null
}

declare module 'fastify' {
  interface FastifyContextConfig {
    feature?: FeatureRule | undefined
  }
  interface FastifyRequest {
    /** The feature that is on for whoever asks; null: none is, or it is not. */
    admittedTo: Admitted | null
  }
}

/** No body comes with them. */
const BODYLESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** How long to wait, drawn from this range, when nobody knows how long it takes. */
const RETRY_S: Readonly<Record<'recovering' | 'other', readonly [number, number]>> = {
  recovering: [1, 4],
  other: [4, 12],
}

/**
 * Puts the gate before an app's routes. Costs a look-up in a table, and counts of what was let in.
 *
 * @param personOf who asks, by what nobody can choose for themselves
 */
export function openFeatureGate(
  app: App,
  ctx: GateCtx,
  ruleOf: (method: string, url: string) => FeatureRule | undefined,
  personOf: (request: FastifyRequest) => string,
): void {
  // Another one in each process: nobody looks for a person ahead for whom everything is back first.
  const salt = ctx.randomBytes(4).readUInt32BE()
  app.decorateRequest('admittedTo', null)
  app.addHook('onRoute', (route) => {
    const rule = ruleOf([route.method].flat()[0]!, route.url)
    if (!rule) return
    route.config = { ...route.config, feature: rule }
    timeOurPart(route, rule, ctx)
  })
  app.addHook('onRequest', (request, reply, done) => {
    const { state } = ctx.steward
    reply.header(LEVEL_HEADER, state.level)
    const rule = request.routeOptions.config.feature
    if (rule === undefined) return done()
    const view = state.features[rule.feature]
    if (view.mode === 'on' || (view.share > 0 && drawOf(personOf(request), salt) < view.share)) {
      request.admittedTo = { feature: rule.feature, fromMs: ctx.clock.monotonicMs(), tookMs: null }
      return done()
    }
    ctx.steward.noteWaiting(rule.feature)
    // Uploads know best whether one more fits, and say so by a code of their own (507).
    if (view.reason === 'disk' || isWithin(view.mode, rule.upTo ?? 'shared')) done()
    else done(pausedError(rule.feature, view, ctx))
  })
  app.addHook('onResponse', (request, reply, done) => {
    const admitted = request.admittedTo
    if (admitted !== null) ctx.steward.note(admitted.feature, isSuccess(reply), admitted.tookMs ?? 0)
    done()
  })
}

type GateCtx = Pick<Ctx, 'clock' | 'randomBytes'> & {
  readonly steward: Pick<Ctx['steward'], 'state' | 'note' | 'noteWaiting'>
}

/** From when the body is here until the answer begins: whoever sends or reads slowly must not keep a feature from coming back. */
function timeOurPart(route: RouteOptions, { isClientPaced }: FeatureRule, { clock }: GateCtx): void {
  if (isClientPaced) return
  const begin: preValidationHookHandler = (request, _reply, done) => {
    if (request.admittedTo !== null) request.admittedTo.fromMs = clock.monotonicMs()
    done()
  }
  const end: onSendHookHandler = (request, _reply, payload, done) => {
    const admitted = request.admittedTo
    if (admitted !== null) admitted.tookMs = clock.monotonicMs() - admitted.fromMs
    done(null, payload)
  }
  if ([route.method].flat().some((method) => !BODYLESS_METHODS.has(method.toUpperCase())))
    route.preValidation = [begin, ...[route.preValidation ?? []].flat()]
  route.onSend = [end, ...[route.onSend ?? []].flat()]
}

/** Whether the route's feature is on for whoever asks: while it comes back, the same people have it in each request. */
export const isAdmitted = (request: FastifyRequest): boolean => request.admittedTo !== null

const isWithin = (mode: FeatureMode, upTo: FeatureMode): boolean =>
  FEATURE_MODES.indexOf(mode) <= FEATURE_MODES.indexOf(upTo)

/** What a person does wrong is none of our failures. */
const isSuccess = (reply: FastifyReply): boolean => reply.statusCode < 500

/** Where in 0…1 a person stands: the same in each of their requests, so that a feature is wholly back for them or not at all. */
function drawOf(person: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt
  for (let at = 0; at < person.length; at++) hash = Math.imul(hash ^ person.charCodeAt(at), 0x01000193)
  // FNV leaves what differs in few bits close together.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32
}

/** The refusal of a feature, as its state explains it. */
export function pausedError(feature: Feature, view: FeatureState, ctx: Pick<Ctx, 'randomBytes'>): AppError {
  const [least, most] = RETRY_S[view.reason === 'recovering' ? 'recovering' : 'other']
  const retryAfterS = least + (ctx.randomBytes(1)[0]! % (most - least + 1))
  return new AppError('feature-paused', {
    detail: `${TITLES[feature]} paused: ${WHY[view.reason ?? 'recovering']}`,
    retryAfterS,
    facts: { feature, reason: view.reason, since: view.since },
  })
}

const TITLES: Readonly<Record<Feature, string>> = {
  playback: 'Playback is',
  feed: 'The feed is',
  'sign-in': 'Signing in is',
  reactions: 'Likes, saves and follows are',
  comments: 'Comments are',
  counts: 'Counts are',
  uploads: 'Uploads are',
  search: 'Search is',
  suggestions: 'Suggestions are',
  profiles: 'Profiles are',
  notifications: 'Notifications are',
  processing: 'Processing is',
  prefetch: 'Fetching ahead is',
  telemetry: 'Counting views is',
}

const WHY: Readonly<Record<NonNullable<FeatureState['reason']>, string>> = {
  overload: 'there is more to do than the server can.',
  database: 'the database is not answering.',
  ingest: 'the part that takes uploads is not answering.',
  worker: 'the part that works in the background is not answering.',
  disk: 'the disk takes nothing more: it is full, or can only be read.',
  blobs: 'the files of videos can not be read.',
  journal: 'what you do can not be written down safely.',
  operator: 'the operator of this instance has paused it.',
  maintenance: 'this instance is being maintained.',
  recovering: 'everything is coming back, one part after the other.',
}
