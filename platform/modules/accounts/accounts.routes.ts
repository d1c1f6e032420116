/** HTTP of accounts. */
import { inScope } from '../../../kit/http/fastify-scope.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  Me,
  MeResponse,
  PICTURE_MAX_BYTES,
  PasswordChange,
  ProfileEdit,
  SessionList,
  SignUp,
} from '../../../contract/accounts.ts'
import { Id } from '../../../contract/common.ts'
import { networkOf } from '../../../kit/network/network-of.ts'
import { givePass } from '../../app/abuse/index.ts'
import { giveHint, inRequestScope } from '../../app/admission.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import { requireViewer, type App, type Routes, type Viewer } from '../../app/http.ts'
import { accountOf, limitPerMinute, takeOrRefuse } from '../../app/rate-limit.ts'
import { isDatabaseUnavailable } from '../../infra/db/index.ts'
import { createAuth, type Auth } from './auth.ts'
import * as service from './accounts.service.ts'
import { deviceTokenOf } from './sign-in/known-devices.ts'
import { createBreachCheck, type BreachCheck } from './passwords/leaked-passwords.ts'
import { removePicture, setPicture } from './profile/pictures.ts'
import { loadMe } from './profile/me.ts'
import {
  assertionOf,
  peekSessionToken,
  readSessionToken,
  renewAssertion,
  setSessionCookie,
} from './sessions/sessions.ts'
import { registerSecurity } from './second-factors/security.routes.ts'
import { openSignInGuard } from './sign-in/sign-in-guard.ts'
import {
  createLimits,
  deviceClientOf,
  HASHING_CLASS,
  registerSignIn,
  showIn,
  type Limits,
} from './sign-in/sign-in.routes.ts'
import { createSignInWork } from './sign-in/work.ts'

/** Of one account. */
export const PROFILE_EDITS_PER_MINUTE = 20

export const accountRoutes: Routes = async (app, ctx) => {
  const auth = createAuth(ctx)
  const limits = createLimits(ctx)
  const breaches = createBreachCheck(ctx)
  const guard = await openSignInGuard(ctx)
  app.addHook('onClose', () => guard[Symbol.asyncDispose]())
  registerSignUp(app, ctx, limits, breaches)
  registerSignIn(app, ctx, { guard, work: createSignInWork(ctx) })
  registerSignOut(app, ctx)
  registerSessionList(app, ctx)
  registerMe(app, ctx)
  registerPassword(app, ctx, { auth, breaches, limits })
  registerSecurity(app, ctx, { limits, breaches })
  inScope(app, (scope) => registerPicture(scope, ctx, limits))
}

function registerSignUp(app: App, ctx: Ctx, limits: Limits, breaches: BreachCheck): void {
  app.post('/accounts', { schema: { body: SignUp, response: { 201: Me } } }, async (request, reply) => {
    takeOrRefuse(limits.signUps, networkOf(request.ip), reply)
    const signedIn = await inRequestScope(HASHING_CLASS, () =>
      service.signUp(ctx, request.body, deviceClientOf(request), breaches),
    )
    return showIn(ctx, request, reply, signedIn)
  })
}

function registerSignOut(app: App, ctx: Ctx): void {
  app.delete('/sessions/current', { schema: { response: { 204: z.null() } } }, async (request, reply) => {
    // First: whoever leaves a shared device must not stay signed in there because of our troubles.
    setSessionCookie(ctx, request, reply, null)
    if (request.isViewerUnknown) throw endedHereOnly()
    const { viewer } = request
    if (viewer)
      await service.revokeSession(ctx, viewer, viewer.sessionId).catch((error: unknown) => {
        throw isDatabaseUnavailable(error) ? endedHereOnly(error) : error
      })
    return reply.code(204).send(null)
  })
}

const endedHereOnly = (cause?: unknown) =>
  new AppError('database-unavailable', {
    detail:
      'This device is signed out. That the session has ended could not be written down: end it under ' +
      'Security, from a device where you are signed in, when the database is back.',
    next: 'On this device nothing is left to do.',
    facts: { isSignedOutHere: true },
    retryAfterS: 30,
    cause,
  })

function registerSessionList(app: App, ctx: Ctx): void {
  app.get('/sessions', { schema: { response: { 200: SessionList } } }, async (request) => ({
    items: await service.listSessions(ctx, requireViewer(request)),
  }))

  app.delete(
    '/sessions/:id',
    { schema: { params: z.object({ id: Id }), response: { 204: z.null() } } },
    async (request, reply) => {
      await service.revokeSession(ctx, requireViewer(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function registerMe(app: App, ctx: Ctx): void {
  app.get('/me', { schema: { response: { 200: MeResponse } } }, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const { viewer } = request
    const token = peekSessionToken(request.headers.cookie)
    if (request.isViewerUnknown) requireViewer(request)
    giveHint(ctx, request, reply, viewer && token !== null ? { viewer, token } : null)
    if (viewer) givePass(ctx, request, reply, 'device')
    return { account: viewer && (await loadMeOrAsserted(ctx, request, reply, viewer)) }
  })

  const preHandler = limitPerMinute(ctx, PROFILE_EDITS_PER_MINUTE, accountOf)
  app.patch('/me', { preHandler, schema: { body: ProfileEdit, response: { 200: Me } } }, async (request) => {
    const viewer = requireViewer(request)
    await service.editProfile(ctx, viewer, request.body)
    return loadMe(ctx, viewer.id)
  })
}

/** Without the database: as the browser was told lately. */
async function loadMeOrAsserted(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  viewer: Viewer,
): Promise<Me> {
  try {
    const me = await loadMe(ctx, viewer.id)
    await renewAssertion(ctx, request, reply)
    return me
  } catch (error) {
    const assertion = isDatabaseUnavailable(error) ? assertionOf(ctx, request) : null
    if (!assertion) throw error
    return { ...assertion.account, role: viewer.role }
  }
}

interface PasswordParts {
  readonly auth: Auth
  readonly breaches: BreachCheck
  readonly limits: Limits
}

function registerPassword(app: App, ctx: Ctx, { limits, ...parts }: PasswordParts): void {
  app.put(
    '/me/password',
    { schema: { body: PasswordChange, response: { 204: z.null() } } },
    async (request, reply) => {
      const viewer = requireViewer(request)
      takeOrRefuse(limits.guesses, `${networkOf(request.ip)} ${viewer.id}`, reply)
      const sessionToken = readSessionToken(request.headers.cookie, ctx.secrets.session)!
      const at = { sessionToken, deviceToken: deviceTokenOf(request) }
      await inRequestScope(HASHING_CLASS, () => service.changePassword(ctx, parts, viewer, at, request.body))
      return reply.code(204).send(null)
    },
  )
}

function registerPicture(app: App, ctx: Ctx, limits: Limits): void {
  app.addContentTypeParser(
    /^image\//,
    { parseAs: 'buffer', bodyLimit: PICTURE_MAX_BYTES },
    (_request, body, done) => done(null, body),
  )
  const put = {
    bodyLimit: PICTURE_MAX_BYTES,
    // Before the body is read: whoever may not send one has no room taken for it.
    onRequest: async (request: FastifyRequest, reply: FastifyReply) =>
      takeOrRefuse(limits.pictures, accountOf(request), reply),
    schema: { response: { 200: Me } },
  }
  app.put('/me/picture', put, async (request) => {
    const viewer = requireViewer(request)
    if (!Buffer.isBuffer(request.body)) throw new AppError('unsupported-media-type')
    await setPicture(ctx, viewer, request.body)
    return loadMe(ctx, viewer.id)
  })

  app.delete('/me/picture', { schema: { response: { 200: Me } } }, async (request) => {
    const viewer = requireViewer(request)
    await removePicture(ctx, viewer)
    return loadMe(ctx, viewer.id)
  })
}
