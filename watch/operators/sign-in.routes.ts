/** HTTP of signing in and out, and of joining by a link. */
import { z } from 'zod'
import { networkOf } from '../../kit/network-of.ts'
import { createRateBucket } from '../../kit/rate-bucket.ts'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import type { WatchApp } from '../http/http.ts'
import { fieldOf, formOf, sendPage } from '../pages/send-page.ts'
import { seeOther, setCookies } from './access.ts'
import { joinCookies, PASSWORD_MIN_LENGTH, type OperatorAuth } from './auth.ts'
import { findInvitation, useUpInvitation } from './invitations.ts'
import { renderCodeForm, renderJoin, renderSecret } from './sign-in-pages.ts'

const KeyParams = z.object({ key: z.string().max(64) })
const Code = z.string().regex(/^\d{6}$/)
const Name = z.string().regex(/^[\w.]{2,40}$/)

/** Tries of one network, and at one name from anywhere: guessing a code of six digits takes years at this pace. */
const TRIES = 10
const TRIES_REFILL_MS = 10 * 60_000
const TRIES_AT_NAME = 30
/** Of these one place may take so many: it keeps nobody out for long. For IPv6 a place is a /48, which one customer may have. */
const TRIES_AT_NAME_OF_PLACE = 10
const NAME_REFILL_MS = 3_600_000
/** Longer than a code is taken, early and late ones included. */
const CODE_LIFE_MS = 180_000

/** Registers both steps, the way out, and the way to become one. */
export function registerSignIn(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  const networks = createRateBucket({ burst: TRIES, refillMs: TRIES_REFILL_MS, clock: ctx.clock })
  const names = createRateBucket({ burst: TRIES_AT_NAME, refillMs: NAME_REFILL_MS, clock: ctx.clock })
  const joining = new Set<string>()
  const usedCodes = createRateBucket({ burst: 1, refillMs: CODE_LIFE_MS, clock: ctx.clock })
  const places = createRateBucket({
    burst: TRIES_AT_NAME_OF_PLACE,
    refillMs: NAME_REFILL_MS,
    clock: ctx.clock,
  })
  const limit = (address: string, name?: string): void => {
    const network = networkOf(address)
    // One after the other: who is refused already takes nothing from the name.
    const waitMs =
      networks.take(network) ||
      (name === undefined ? 0 : places.take(`${placeOf(network)} ${name}`) || names.take(name))
    if (waitMs > 0) throw new WatchError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1000) })
  }
  const readCode = (form: URLSearchParams): string => {
    const code = Code.safeParse(fieldOf(form, 'code'))
    if (!code.success) throw new WatchError('invalid-input', { detail: 'A code has six digits.' })
    return code.data
  }

  app.post('/operate/sign-in', async (request, reply) => {
    const form = formOf(request)
    const name = fieldOf(form, 'name', 40) ?? ''
    limit(request.ip, name.toLowerCase())
    setCookies(reply, await auth.signIn(name, form.get('password') ?? ''))
    return sendPage(reply, renderCodeForm(), { maxAgeS: 0 })
  })
  app.post('/operate/code', async (request, reply) => {
    limit(request.ip)
    const code = readCode(formOf(request))
    const cookies = await auth.enterCode(request.headers.cookie ?? '', code)
    const actor = await auth.actorOf(joinCookies(cookies))
    // "The verifier MUST NOT accept the second attempt of the OTP" (RFC 6238, 5.2).
    if (!actor || usedCodes.take(`${actor.id} ${code}`) > 0) {
      await auth.signOut(joinCookies(cookies))
      throw new WatchError('not-allowed', { detail: 'This code was used already; wait for the next one.' })
    }
    setCookies(reply, cookies)
    return seeOther(reply, '/operate')
  })
  app.post('/operate/sign-out', async (request, reply) => {
    if (request.headers.cookie) setCookies(reply, await auth.signOut(request.headers.cookie))
    return seeOther(reply, '/operate')
  })
  app.get('/operate/join/:key', { schema: { params: KeyParams } }, (request, reply) => {
    const { key } = request.params
    return sendPage(reply, renderJoin(key, findInvitation(ctx, key).role), { maxAgeS: 0 })
  })
  app.post('/operate/join/:key', { schema: { params: KeyParams } }, async (request, reply) => {
    limit(request.ip)
    const { key } = request.params
    const { role } = findInvitation(ctx, key)
    const form = formOf(request)
    const name = Name.safeParse(fieldOf(form, 'name', 41))
    const password = form.get('password') ?? ''
    if (!name.success || password.length < PASSWORD_MIN_LENGTH)
      throw new WatchError('invalid-input', {
        detail: `A name has 2 to 40 letters, digits, “_” and “.”; a password at least ${PASSWORD_MIN_LENGTH} characters.`,
      })
    const { cookies, secret, uri } = await auth.create({ name: name.data, password, role })
    setCookies(reply, cookies)
    return sendPage(reply, renderSecret(key, secret, uri), { maxAgeS: 0 })
  })
  app.post('/operate/join/:key/code', { schema: { params: KeyParams } }, async (request, reply) => {
    limit(request.ip)
    const { key } = request.params
    const code = readCode(formOf(request))
    // Two at the same time would find the invitation unused, and both come in by it.
    if (joining.has(key)) throw new WatchError('changed-meanwhile')
    joining.add(key)
    try {
      setCookies(reply, await join(ctx, auth, { key, code, cookie: request.headers.cookie ?? '' }))
    } finally {
      joining.delete(key)
    }
    return seeOther(reply, '/operate')
  })
}

async function join(
  ctx: WatchCtx,
  auth: OperatorAuth,
  input: { readonly key: string; readonly code: string; readonly cookie: string },
): Promise<string[]> {
  const { role } = findInvitation(ctx, input.key)
  const cookies = await auth.finishJoining(input.cookie, input.code, role)
  const actor = await auth.actorOf(joinCookies(cookies))
  if (!actor) throw new WatchError('signed-out')
  try {
    await useUpInvitation(ctx, input.key, actor)
  } catch (error) {
    auth.remove(actor.id)
    throw error
  }
  return cookies
}

/** The address for IPv4; for IPv6 the /48 around it. */
const placeOf = (network: string): string =>
  network.includes(':') ? network.split(':', 3).join(':') : network
