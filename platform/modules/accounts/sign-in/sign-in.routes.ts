/** HTTP of signing in by password, and what all ways in have in common. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Me, SignIn } from '../../../../contract/accounts.ts'
import { createRateBucket } from '../../../../kit/bounded/rate-bucket.ts'
import { givePass } from '../../../app/abuse/index.ts'
import type { Ctx } from '../../../app/context.ts'
import type { App } from '../../../app/http.ts'
import { deviceTokenOf, setDeviceCookie } from './known-devices.ts'
import type { DeviceClient, SignedIn } from './let-in.ts'
import { loadMe } from '../profile/me.ts'
import { renewAssertion, setSessionCookie } from '../sessions/sessions.ts'
import { signIn, type SignInParts } from './sign-in.service.ts'

const TEN_MINUTES_MS = 600_000
/** Of one network at one account, who is signed in to it. */
const GUESSES_PER_TEN_MINUTES = 10
/** From one network. */
const SIGN_UPS_PER_TEN_MINUTES = 30
/** From one network: each step has its own bound besides. */
const CODES_PER_TEN_MINUTES = 120
/** Of one account. */
export const PICTURES_PER_TEN_MINUTES = 20
/** What hashing counts as where admission gives no class. */
export const HASHING_CLASS = 1

export function createLimits({ clock }: Pick<Ctx, 'clock'>) {
  const perTenMinutes = (burst: number) => createRateBucket({ burst, refillMs: TEN_MINUTES_MS, clock })
  return {
    guesses: perTenMinutes(GUESSES_PER_TEN_MINUTES),
    signUps: perTenMinutes(SIGN_UPS_PER_TEN_MINUTES),
    codes: perTenMinutes(CODES_PER_TEN_MINUTES),
    pictures: perTenMinutes(PICTURES_PER_TEN_MINUTES),
  }
}

export type Limits = ReturnType<typeof createLimits>

export const deviceClientOf = (request: FastifyRequest): DeviceClient => ({
  address: request.ip,
  userAgent: request.headers['user-agent'] ?? '',
  deviceToken: deviceTokenOf(request),
})

export function registerSignIn(app: App, ctx: Ctx, parts: SignInParts): void {
  app.post('/sessions', { schema: { body: SignIn, response: { 201: Me } } }, async (request, reply) =>
    showIn(ctx, request, reply, await signIn(ctx, parts, request.body, deviceClientOf(request))),
  )
}

/** Gives the browser what makes it signed in, and answers who it is now. */
export async function showIn(
  ctx: Ctx,
  request: FastifyRequest,
  reply: FastifyReply,
  { accountId, sessionToken, deviceToken }: SignedIn,
) {
  setSessionCookie(ctx, request, reply, sessionToken)
  setDeviceCookie(ctx, request, reply, deviceToken)
  givePass(ctx, request, reply, 'device')
  await renewAssertion(ctx, request, reply, sessionToken)
  return reply.code(201).send(await loadMe(ctx, accountId))
}
