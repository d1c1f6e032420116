/** Before a feature's routes: what is paused is refused with its reason, and every answer says the level it was given at. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { LEVEL_HEADER, type FeatureMode, type FeatureState } from '../../contract/state.ts'
import { readCookie } from '../../kit/admission/index.ts'
import type { Ctx } from './context.ts'
import { AppError } from './errors.ts'
import type { App } from './http.ts'
import type { Feature } from './steward/index.ts'

/** What a route belongs to. */
export interface FeatureRule {
  readonly feature: Feature
  /** The worst mode in which the route is still let in: what comes of it then is its module's affair. @default 'shared' */
  readonly upTo?: Exclude<FeatureMode, 'on' | 'paused'>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    feature?: FeatureRule | undefined
  }
  interface FastifyRequest {
    /** The feature that is on for whoever asks, and since when by the monotonic clock; null: none is, or it is not. */
    admittedTo: { readonly feature: Feature; readonly atMs: number } | null
  }
}

const ORDER: readonly FeatureMode[] = ['on', 'reduced', 'cached', 'shared', 'kept', 'paused']

/** The session's cookie, of which only the text matters here. */
const SESSION = 'upbeat.session_token'

/** How long to wait, drawn from this range, when nobody knows how long it takes. */
const RETRY_S: Readonly<Record<'recovering' | 'other', readonly [number, number]>> = {
  recovering: [1, 4],
  other: [4, 12],
}

/** Puts the gate before an app's routes. Costs a look-up in a table, and counts of what was let in. */
export function openFeatureGate(
  app: App,
  ctx: Ctx,
  ruleOf: (method: string, url: string) => FeatureRule | undefined,
): void {
  app.decorateRequest('admittedTo', null)
  app.addHook('onRoute', (route) => {
    const rule = ruleOf([route.method].flat()[0]!, route.url)
    if (rule) route.config = { ...route.config, feature: rule }
  })
  app.addHook('onRequest', (request, reply, done) => {
    const { state } = ctx.steward
    reply.header(LEVEL_HEADER, state.level)
    const rule = request.routeOptions.config.feature
    if (rule === undefined) return done()
    const view = state.features[rule.feature]
    if (view.mode === 'on' || (view.share > 0 && drawOf(request) < view.share)) {
      request.admittedTo = { feature: rule.feature, atMs: ctx.clock.monotonicMs() }
      return done()
    }
    ctx.steward.noteWaiting(rule.feature)
    // Uploads know best whether one more fits, and say so by a code of their own (507).
    if (view.reason === 'disk' || isWithin(view.mode, rule.upTo ?? 'shared')) done()
    else done(pausedError(rule.feature, view, ctx))
  })
  app.addHook('onResponse', (request, reply, done) => {
    const admitted = request.admittedTo
    if (admitted !== null)
      ctx.steward.note(admitted.feature, isSuccess(reply), ctx.clock.monotonicMs() - admitted.atMs)
    done()
  })
}

/** Whether the route's feature is on for whoever asks: while it comes back, the same people have it in each request. */
export const isAdmitted = (request: FastifyRequest): boolean => request.admittedTo !== null

const isWithin = (mode: FeatureMode, upTo: FeatureMode): boolean => ORDER.indexOf(mode) <= ORDER.indexOf(upTo)

/** What a person does wrong is none of our failures. */
const isSuccess = (reply: FastifyReply): boolean => reply.statusCode < 500

/** Where in 0…1 a person stands: the same in each of their requests, so that a feature is wholly back for them or not at all. */
function drawOf(request: FastifyRequest): number {
  const person = readCookie(request.headers.cookie, SESSION) || request.ip
  let hash = 0x811c9dc5
  for (let at = 0; at < person.length; at++) hash = Math.imul(hash ^ person.charCodeAt(at), 0x01000193)
  return (hash >>> 0) / 2 ** 32
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
  disk: 'the disk has no room left.',
  blobs: 'the files of videos can not be read.',
  journal: 'what you do can not be written down safely.',
  operator: 'the operator of this instance has paused it.',
  maintenance: 'this instance is being maintained.',
  recovering: 'everything is coming back, one part after the other.',
}
