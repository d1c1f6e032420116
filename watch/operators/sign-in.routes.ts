/** HTTP of signing in and out, and of joining by a link. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import type { WatchApp } from '../http/http.ts'
import { fieldOf, formOf, sendPage } from '../pages/send-page.ts'
import { safePath, seeOther, setCookies } from './access.ts'
import { PASSWORD_MIN_LENGTH } from './auth-engine.ts'
import { joinCookies, type OperatorAuth } from './auth.ts'
import { findDoor } from './door.ts'
import { admit, findInvitation } from './invitations.ts'
import type { KnownDevices } from './known-device.ts'
import { createSignInLimits, type SignInLimits, type Trier } from './sign-in-limits.ts'
import { renderCodeForm, renderJoin, renderSecret } from './sign-in-pages.ts'

const KeyParams = z.object({ key: z.string().max(64) })
const Code = z.string().regex(/^\d{6}$/)
const Name = z.string().regex(/^[\w.]{2,40}$/)

export interface SignInParts {
  readonly auth: OperatorAuth
  readonly devices: KnownDevices
}

/** Registers both steps, the way out, and the way to become one. */
export function registerSignIn(app: WatchApp, ctx: WatchCtx, parts: SignInParts): void {
  const limits = createSignInLimits(ctx.clock)
  const trierOf = (request: FastifyRequest): Trier => ({
    address: request.ip,
    device: parts.devices.read(request.headers.cookie),
  })
  registerSteps(app, { ...parts, limits, trierOf })
  registerJoining(app, ctx, { ...parts, limits, trierOf })
}

interface Guarded extends SignInParts {
  readonly limits: SignInLimits
  readonly trierOf: (request: FastifyRequest) => Trier
}

function registerSteps(app: WatchApp, { auth, devices, limits, trierOf }: Guarded): void {
  app.post('/operate/sign-in', async (request, reply) => {
    const form = formOf(request)
    const name = fieldOf(form, 'name', 40) ?? ''
    limits.takeName(trierOf(request), name.toLowerCase())
    setCookies(reply, await auth.signIn(name, form.get('password') ?? ''))
    return sendPage(reply, renderCodeForm(safePath(fieldOf(form, 'back'))), { maxAgeS: 0 })
  })
  app.post('/operate/code', async (request, reply) => {
    const cookie = request.headers.cookie ?? ''
    limits.takeCode(trierOf(request), findDoor(cookie)?.id ?? null)
    const form = formOf(request)
    const code = readCode(form)
    const cookies = await auth.enterCode(cookie, code)
    const actor = await auth.actorOf(joinCookies(cookies))
    if (!actor || !limits.isFirstUse(actor.id, code)) {
      await auth.signOut(joinCookies(cookies))
      throw new WatchError('not-allowed', { detail: 'This code was used already; wait for the next one.' })
    }
    setCookies(reply, [...cookies, devices.remember(actor.name)])
    return seeOther(reply, safePath(fieldOf(form, 'back')))
  })
  app.post('/operate/sign-out', async (request, reply) => {
    if (request.headers.cookie) setCookies(reply, await auth.signOut(request.headers.cookie))
    return seeOther(reply, '/operate')
  })
}

function registerJoining(app: WatchApp, ctx: WatchCtx, { auth, devices, limits, trierOf }: Guarded): void {
  const joining = new Set<string>()
  app.get('/operate/join/:key', { schema: { params: KeyParams } }, (request, reply) => {
    const { key } = request.params
    return sendPage(reply, renderJoin(key, findInvitation(ctx, key).role), { maxAgeS: 0 })
  })
  app.post('/operate/join/:key', { schema: { params: KeyParams } }, async (request, reply) => {
    limits.takeTry(trierOf(request))
    const { key } = request.params
    findInvitation(ctx, key)
    const form = formOf(request)
    const name = Name.safeParse(fieldOf(form, 'name', 41))
    const password = form.get('password') ?? ''
    if (!name.success || password.length < PASSWORD_MIN_LENGTH)
      throw new WatchError('invalid-input', {
        detail: `A name has 2 to 40 letters, digits, “_” and “.”; a password at least ${PASSWORD_MIN_LENGTH} characters.`,
      })
    const { cookies, secret, uri } = await auth.create({ name: name.data, password })
    setCookies(reply, cookies)
    return sendPage(reply, renderSecret(key, secret, uri), { maxAgeS: 0 })
  })
  app.post('/operate/join/:key/code', { schema: { params: KeyParams } }, async (request, reply) => {
    limits.takeTry(trierOf(request))
    const { key } = request.params
    const code = readCode(formOf(request))
    // Two at the same time would both complete an account, and one of them find the invitation used.
    if (joining.has(key)) throw new WatchError('changed-meanwhile')
    joining.add(key)
    try {
      findInvitation(ctx, key)
      const { cookies, account } = await auth.finishJoining(request.headers.cookie ?? '', code)
      await admit(ctx, { key, account }).catch((error: unknown) => {
        auth.forget(account.id)
        throw error
      })
      setCookies(reply, [...cookies, devices.remember(account.name)])
    } finally {
      joining.delete(key)
    }
    return seeOther(reply, '/operate')
  })
}

/** @throws {WatchError} invalid-input */
function readCode(form: URLSearchParams): string {
  const code = Code.safeParse(fieldOf(form, 'code'))
  if (!code.success) throw new WatchError('invalid-input', { detail: 'A code has six digits.' })
  return code.data
}
