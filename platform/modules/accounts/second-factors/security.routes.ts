/** HTTP of what guards an account: second factors, passkeys, fresh proof, "this wasn't me". */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Me } from '../../../../contract/accounts.ts'
import { Id } from '../../../../contract/common.ts'
import {
  Confirmation,
  DenyByMail,
  EmailChange,
  NewPasskey,
  NewPassword,
  PasskeyAnswer,
  PasskeyOptions,
  PasswordReset,
  Proof,
  RecoveryCodes,
  Security,
  TotpCode,
  TotpSetup,
} from '../../../../contract/security.ts'
import { networkOf } from '../../../../kit/network/network-of.ts'
import { inRequestScope } from '../../../app/admission.ts'
import type { Ctx } from '../../../app/context.ts'
import { originOf, requireViewer, type App } from '../../../app/http.ts'
import { accountOf, limitPerMinute, takeOrRefuse } from '../../../app/rate-limit.ts'
import { confirmSignIn } from '../sign-in/confirmations.ts'
import { deviceTokenOf, hashDevice } from '../sign-in/known-devices.ts'
import type { BreachCheck } from '../passwords/leaked-passwords.ts'
import { letIn } from '../sign-in/let-in.ts'
import { loadMe } from '../profile/me.ts'
import { addPasskey, askForPasskey, beginPasskey, checkPasskey, removePasskey } from './passkeys.ts'
import { confirmTotp, makeRecoveryCodes, removeTotp, setUpTotp } from './second-factors.ts'
import { changeEmail, loadSecurity, prove } from './security.service.ts'
import { denyByMail, denyOwnSignIn, resetPassword } from '../notices/sign-in-notices.ts'
import { deviceClientOf, HASHING_CLASS, showIn, type Limits } from '../sign-in/sign-in.routes.ts'

/** Of one account. */
const SETTINGS_PER_MINUTE = 30
const Nothing = z.null()

export interface SecurityParts {
  readonly limits: Limits
  readonly breaches: BreachCheck
}

export function registerSecurity(app: App, ctx: Ctx, parts: SecurityParts): void {
  const preHandler = limitPerMinute(ctx, SETTINGS_PER_MINUTE, accountOf)
  app.get('/me/security', { schema: { response: { 200: Security } } }, (request) =>
    loadSecurity(ctx, requireViewer(request)),
  )
  registerSecondSteps(app, ctx, parts)
  registerProof(app, ctx, parts)
  registerTotp(app, ctx, preHandler)
  registerPasskeys(app, ctx, preHandler)
  registerDenying(app, ctx, parts)
  app.put(
    '/me/email',
    { preHandler, schema: { body: EmailChange, response: { 200: Me } } },
    async (request) => {
      const viewer = requireViewer(request)
      await changeEmail(ctx, viewer, request.body.email)
      return loadMe(ctx, viewer.id)
    },
  )
}

/** What follows a right password, or stands in for it. */
function registerSecondSteps(app: App, ctx: Ctx, { limits }: SecurityParts): void {
  app.post(
    '/sessions/confirmations',
    { schema: { body: Confirmation, response: { 201: Me } } },
    async (request, reply) => {
      takeOrRefuse(limits.codes, networkOf(request.ip), reply)
      return showIn(ctx, request, reply, await confirmSignIn(ctx, request.body, deviceClientOf(request)))
    },
  )
  app.post(
    '/sessions/passkey-options',
    { schema: { response: { 200: PasskeyOptions } } },
    async (request, reply) => {
      takeOrRefuse(limits.codes, networkOf(request.ip), reply)
      return askForPasskey(ctx, originOf(ctx, request), null)
    },
  )
  app.post(
    '/sessions/passkey',
    { schema: { body: PasskeyAnswer, response: { 201: Me } } },
    async (request, reply) => {
      const accountId = await checkPasskey(ctx, originOf(ctx, request), request.body, null)
      return showIn(ctx, request, reply, await letIn(ctx, accountId, deviceClientOf(request)))
    },
  )
}

function registerProof(app: App, ctx: Ctx, { limits }: SecurityParts): void {
  app.post('/me/proof', { schema: { body: Proof, response: { 204: Nothing } } }, async (request, reply) => {
    const viewer = requireViewer(request)
    takeOrRefuse(limits.guesses, `${networkOf(request.ip)} ${viewer.id}`, reply)
    const { body } = request
    await inRequestScope(HASHING_CLASS, () => prove(ctx, viewer, originOf(ctx, request), body))
    return reply.code(204).send(null)
  })
  app.post('/me/proof/passkey-options', { schema: { response: { 200: PasskeyOptions } } }, (request) =>
    askForPasskey(ctx, originOf(ctx, request), requireViewer(request).id),
  )
}

type PreHandler = ReturnType<typeof limitPerMinute>

function registerTotp(app: App, ctx: Ctx, preHandler: PreHandler): void {
  app.post('/me/totp', { preHandler, schema: { response: { 200: TotpSetup } } }, (request) =>
    setUpTotp(ctx, requireViewer(request)),
  )
  app.put(
    '/me/totp',
    { preHandler, schema: { body: TotpCode, response: { 200: RecoveryCodes } } },
    (request) => confirmTotp(ctx, requireViewer(request), request.body.code),
  )
  app.delete('/me/totp', { preHandler, schema: { response: { 204: Nothing } } }, async (request, reply) => {
    await removeTotp(ctx, requireViewer(request))
    return reply.code(204).send(null)
  })
  app.post('/me/recovery-codes', { preHandler, schema: { response: { 200: RecoveryCodes } } }, (request) =>
    makeRecoveryCodes(ctx, requireViewer(request)),
  )
}

function registerPasskeys(app: App, ctx: Ctx, preHandler: PreHandler): void {
  const origin = (request: FastifyRequest) => originOf(ctx, request)
  app.post('/me/passkeys/options', { preHandler, schema: { response: { 200: PasskeyOptions } } }, (request) =>
    beginPasskey(ctx, requireViewer(request), origin(request)),
  )
  app.post(
    '/me/passkeys',
    { preHandler, schema: { body: NewPasskey, response: { 204: Nothing } } },
    async (request, reply) => {
      await addPasskey(ctx, requireViewer(request), origin(request), request.body)
      return reply.code(204).send(null)
    },
  )
  app.delete(
    '/me/passkeys/:id',
    { preHandler, schema: { params: z.object({ id: z.string().max(1_400) }), response: { 204: Nothing } } },
    async (request, reply) => {
      await removePasskey(ctx, requireViewer(request), request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function registerDenying(app: App, ctx: Ctx, { limits, breaches }: SecurityParts): void {
  app.post(
    '/me/sign-ins/:id/denial',
    { schema: { params: z.object({ id: Id }), response: { 200: PasswordReset } } },
    (request) => {
      const device = deviceTokenOf(request)
      const hash = device === null ? null : hashDevice(device)
      return denyOwnSignIn(ctx, requireViewer(request), request.params.id, hash)
    },
  )
  app.post(
    '/sign-in-denials',
    { schema: { body: DenyByMail, response: { 200: PasswordReset } } },
    (request, reply) => {
      takeOrRefuse(limits.codes, networkOf(request.ip), reply)
      return denyByMail(ctx, request.body.token)
    },
  )
  app.post(
    '/password-resets',
    { schema: { body: NewPassword, response: { 204: Nothing } } },
    async (request, reply) => {
      takeOrRefuse(limits.codes, networkOf(request.ip), reply)
      await inRequestScope(HASHING_CLASS, () => resetPassword(ctx, breaches, request.body))
      return reply.code(204).send(null)
    },
  )
}
