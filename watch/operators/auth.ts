/**
 * Operators' accounts: everybody signs in by a password and a one-time code (TOTP, RFC 6238); there is no way in without the
 * second. What somebody may do stands in the watch's own store (`standing.ts`).
 */
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { APIError } from 'better-auth/api'
import { z } from 'zod'
import { WATCH, type Actor } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import { auditStatement } from '../incidents/index.ts'
import { endDevicesStatement } from '../on-call/receivers.ts'
import { findDoor } from './door.ts'
import { enableTotp, openAuthEngine, type AuthEngine } from './auth-engine.ts'
import { revokeInvitationsStatement } from './invitations.ts'
import { findOperator, listOperators, loseStatement, wasRemoved, type Operator } from './standing.ts'

export type OperatorActor = Extract<Actor, { kind: 'operator' }>

/** Somebody who has gone through both steps, whatever they may do. */
export interface Account {
  readonly id: string
  readonly name: string
}

const SessionUser = z.object({ id: z.string(), name: z.string(), twoFactorEnabled: z.boolean().nullish() })

export interface OperatorAuth extends Disposable {
  count(): number
  list(): Operator[]
  /** The first of two steps. Answers the cookies of a half-open door. @throws {WatchError} not-allowed */
  signIn(name: string, password: string): Promise<string[]>
  /** The second. Answers the cookies of the session. Opens no account that is only half made. @throws {WatchError} not-allowed */
  enterCode(cookie: string, code: string): Promise<string[]>
  /** Completes an account that was just begun; it may nothing before it is admitted. @throws {WatchError} not-allowed */
  finishJoining(
    cookie: string,
    code: string,
  ): Promise<{ readonly cookies: string[]; readonly account: Account }>
  /** Null: nobody, not through both steps, or no operator any more. */
  actorOf(cookie: string | undefined): Promise<OperatorActor | null>
  /** Begins an account; answers cookies and the secret for the code generator. @throws {WatchError} invalid-input */
  create(input: { readonly name: string; readonly password: string }): Promise<{
    readonly cookies: string[]
    readonly secret: string
    readonly uri: string
  }>
  signOut(cookie: string): Promise<string[]>
  /** Deletes the account with its sessions. */
  forget(id: string): void
}

interface Parts {
  readonly ctx: WatchCtx
  readonly db: DatabaseSync
  readonly engine: AuthEngine
}

/** Opens the accounts, and brings them and the operators' standing together. */
export async function openOperatorAuth(ctx: WatchCtx): Promise<OperatorAuth> {
  const parts: Parts = { ctx, ...(await openAuthEngine(ctx)) }
  await reconcile(parts)
  const { db, engine } = parts
  return {
    count: () => listOperators(ctx).length,
    list: () => listOperators(ctx),
    actorOf: (cookie) => actorOf(parts, cookie),
    signIn: (name, password) => signIn(engine, name, password),
    enterCode: (cookie, code) => verifyCode(engine, findDoor(cookie)?.cookie ?? '', code),
    finishJoining: (cookie, code) => finishJoining(engine, cookie, code),
    create: (input) => create(parts, input),
    async signOut(cookie) {
      const answer = await engine.api.signOut({ headers: headersOf(cookie), returnHeaders: true })
      return answer.headers.getSetCookie()
    },
    forget: (id) => forget(db, id),
    [Symbol.dispose]: () => db.close(),
  }
}

const headersOf = (cookie: string): Headers => new Headers({ cookie })

/**
 * After a stop in between, or a file that was deleted to begin anew: who has no account any more operates nothing, who was
 * removed has no account.
 */
async function reconcile({ ctx, db }: Parts): Promise<void> {
  const accounts = db.prepare('select id from user').all() as { id: string }[]
  const ids = new Set(accounts.map(({ id }) => id))
  for (const { id, name } of listOperators(ctx))
    if (!ids.has(id))
      await ctx.store.write([
        loseStatement(id),
        revokeInvitationsStatement(id),
        endDevicesStatement(name),
        auditStatement(ctx, { actor: WATCH, action: 'lose-operator', subject: id, facts: { name } }),
      ])
  for (const id of ids) if (wasRemoved(ctx, id)) forget(db, id)
}

async function actorOf({ ctx, engine }: Parts, cookie: string | undefined): Promise<OperatorActor | null> {
  if (!cookie) return null
  const session = await engine.api.getSession({ headers: headersOf(cookie) })
  const user = SessionUser.safeParse(session?.user)
  if (!user.success || user.data.twoFactorEnabled !== true) return null
  const operator = findOperator(ctx, user.data.id)
  return operator && { kind: 'operator', id: operator.id, name: operator.name, role: operator.role }
}

async function signIn(engine: AuthEngine, name: string, password: string): Promise<string[]> {
  const answer = await refusing(() =>
    engine.api.signInUsername({ body: { username: name, password }, returnHeaders: true }),
  )
  // Half-made accounts have no second step yet, and no way in.
  if (!answer.response || !('twoFactorRedirect' in answer.response)) throw refused()
  return answer.headers.getSetCookie()
}

async function verifyCode(engine: AuthEngine, cookie: string, code: string): Promise<string[]> {
  const answer = await refusing(() =>
    engine.api.verifyTOTP({ body: { code }, headers: headersOf(cookie), returnHeaders: true }),
  )
  return answer.headers.getSetCookie()
}

async function finishJoining(
  engine: AuthEngine,
  cookie: string,
  code: string,
): Promise<{ readonly cookies: string[]; readonly account: Account }> {
  const session = await engine.api.getSession({ headers: headersOf(cookie) })
  const user = SessionUser.safeParse(session?.user)
  if (!user.success || user.data.twoFactorEnabled === true) throw refused()
  const { id, name } = user.data
  return { cookies: await verifyCode(engine, cookie, code), account: { id, name } }
}

async function create(
  { ctx, db, engine }: Parts,
  { name, password }: { readonly name: string; readonly password: string },
): Promise<{ readonly cookies: string[]; readonly secret: string; readonly uri: string }> {
  freeName({ ctx, db }, name)
  const email = `${createHash('sha256').update(name.toLowerCase()).digest('hex').slice(0, 24)}@noreply.invalid`
  const made = await engine.api
    .signUpEmail({ body: { email, name, username: name, password }, returnHeaders: true })
    .catch((error: unknown) => {
      if (error instanceof APIError)
        throw new WatchError('invalid-input', {
          detail: 'This name is taken, or does not fit.',
          cause: error,
        })
      throw error
    })
  const cookies = made.headers.getSetCookie()
  const uri = await enableTotp(engine, headersOf(joinCookies(cookies)), password)
  return { cookies, secret: new URL(uri).searchParams.get('secret')!, uri }
}

/** Somebody began under this name and never was admitted. */
function freeName({ ctx, db }: Pick<Parts, 'ctx' | 'db'>, name: string): void {
  const user = db.prepare('select id from user where username = ?').get(name.toLowerCase()) as
    | { id: string }
    | undefined
  if (user && !findOperator(ctx, user.id)) forget(db, user.id)
}

function forget(db: DatabaseSync, id: string): void {
  db.prepare('delete from session where userId = ?').run(id)
  db.prepare('delete from user where id = ?').run(id)
}

/** better-auth's refusals all look alike to who tries. */
async function refusing<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof APIError) throw refused(error)
    throw error
  }
}

const refused = (cause?: unknown): WatchError =>
  new WatchError('not-allowed', {
    detail: 'Name, password or code do not belong together, or the code is older than a minute.',
    next: 'Check all of them and the clock of your phone, and sign in again.',
    cause,
  })

/** `Set-Cookie` headers as a `Cookie` header. */
export const joinCookies = (cookies: readonly string[]): string =>
  cookies.map((cookie) => cookie.split(';', 1)[0]!).join('; ')
