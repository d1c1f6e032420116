/** HTTP of accounts. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import {
  Me,
  MeResponse,
  PICTURE_MAX_BYTES,
  PasswordChange,
  ProfileEdit,
  SessionList,
  SignIn,
  SignUp,
} from '../../../contract/accounts.ts'
import { Id } from '../../../contract/common.ts'
import { networkOf } from '../../../kit/network-of.ts'
import { createRateBucket } from '../../../kit/rate-bucket.ts'
import { AppError } from '../../app/errors.ts'
import { requireViewer, type Routes } from '../../app/http.ts'
import { takeOrRefuse } from '../../app/rate-limit.ts'
import { createAuth } from './auth.ts'
import * as service from './accounts.service.ts'
import { removePicture, setPicture } from './pictures.ts'
import { readSessionToken, setSessionCookie } from './sessions.ts'

const TEN_MINUTES_MS = 600_000
/** Of one account. */
export const PICTURES_PER_TEN_MINUTES = 20

const clientOf = (request: { ip: string; headers: { 'user-agent'?: string } }): service.Client => ({
  address: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
})

export const accountRoutes: Routes = (app, ctx) => {
  const auth = createAuth(ctx)
  const limits = { refillMs: TEN_MINUTES_MS, clock: ctx.clock }
  const signInsByAddress = createRateBucket({ ...limits, burst: 60 })
  const signInsByIdentifier = createRateBucket({ ...limits, burst: 10 })
  const signUpsByAddress = createRateBucket({ ...limits, burst: 30 })
  const picturesByAccount = createRateBucket({ ...limits, burst: PICTURES_PER_TEN_MINUTES })

  app.post('/accounts', { schema: { body: SignUp, response: { 201: Me } } }, async (request, reply) => {
    takeOrRefuse(signUpsByAddress, networkOf(request.ip))
    const { accountId, sessionToken } = await service.signUp(ctx, auth, request.body, clientOf(request))
    setSessionCookie(ctx, request, reply, sessionToken)
    return reply.code(201).send(await service.loadMe(ctx, accountId))
  })

  app.post('/sessions', { schema: { body: SignIn, response: { 201: Me } } }, async (request, reply) => {
    takeOrRefuse(signInsByAddress, networkOf(request.ip))
    takeOrRefuse(signInsByIdentifier, `${networkOf(request.ip)} ${request.body.identifier.toLowerCase()}`)
    const { accountId, sessionToken } = await service.signIn(auth, request.body, clientOf(request))
    setSessionCookie(ctx, request, reply, sessionToken)
    return reply.code(201).send(await service.loadMe(ctx, accountId))
  })

  app.delete('/sessions/current', { schema: { response: { 204: z.null() } } }, async (request, reply) => {
    if (request.viewer) await service.revokeSession(ctx, request.viewer, request.viewer.sessionId)
    setSessionCookie(ctx, request, reply, null)
    return reply.code(204).send(null)
  })

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

  app.get('/me', { schema: { response: { 200: MeResponse } } }, async (request, reply) => {
    reply.header('cache-control', 'no-store')
    return { account: request.viewer ? await service.loadMe(ctx, request.viewer.id) : null }
  })

  app.patch('/me', { schema: { body: ProfileEdit, response: { 200: Me } } }, async (request) => {
    const viewer = requireViewer(request)
    await service.editProfile(ctx, viewer, request.body)
    return service.loadMe(ctx, viewer.id)
  })

  app.put(
    '/me/password',
    { schema: { body: PasswordChange, response: { 204: z.null() } } },
    async (request, reply) => {
      const viewer = requireViewer(request)
      takeOrRefuse(signInsByIdentifier, `${networkOf(request.ip)} ${viewer.id}`)
      const token = readSessionToken(request.headers.cookie, ctx.secrets.session)!
      await service.changePassword(ctx, auth, viewer, token, request.body)
      return reply.code(204).send(null)
    },
  )

  app.register(async (scope) => {
    scope.addContentTypeParser(
      /^image\//,
      { parseAs: 'buffer', bodyLimit: PICTURE_MAX_BYTES },
      (_request, body, done) => done(null, body),
    )
    // Before the body is read: whoever may not send one has no room taken for it.
    const onRequest = async (request: FastifyRequest) =>
      takeOrRefuse(picturesByAccount, requireViewer(request).id)
    const options = { bodyLimit: PICTURE_MAX_BYTES, onRequest, schema: { response: { 200: Me } } }
    scope.put('/me/picture', options, async (request) => {
      const viewer = requireViewer(request)
      if (!Buffer.isBuffer(request.body)) throw new AppError('unsupported-media-type')
      await setPicture(ctx, viewer, request.body)
      return service.loadMe(ctx, viewer.id)
    })
  })

  app.delete('/me/picture', { schema: { response: { 200: Me } } }, async (request) => {
    const viewer = requireViewer(request)
    await removePicture(ctx, viewer)
    return service.loadMe(ctx, viewer.id)
  })
}
