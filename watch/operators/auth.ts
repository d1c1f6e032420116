/**
 * Operators' accounts: better-auth on a SQLite file of its own. Everybody signs in by a password and a one-time code (TOTP,
 * RFC 6238); there is no way in without the second.
 */
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { APIError } from 'better-auth/api'
import { getMigrations } from 'better-auth/db/migration'
import { twoFactor } from 'better-auth/plugins/two-factor'
import { username } from 'better-auth/plugins/username'
import { z } from 'zod'
import { OPERATOR_ROLES, type Actor, type OperatorRole } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import { hashPassword, verifyPassword } from './passwords.ts'

export const PASSWORD_MIN_LENGTH = 12
export const PASSWORD_MAX_LENGTH = 200
const SESSION_S = 12 * 3600
const SECRET_BYTES = 32
const COOKIE_PREFIX = 'upbeat-watch'

export type OperatorActor = Extract<Actor, { kind: 'operator' }>

export interface Operator {
  readonly id: string
  readonly name: string
  readonly role: OperatorRole
  readonly createdAt: string
}

const SessionUser = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(OPERATOR_ROLES),
  twoFactorEnabled: z.boolean().nullish(),
})

export interface OperatorAuth extends Disposable {
  count(): number
  list(): Operator[]
  /** The first of two steps. Answers the cookies of a half-open door. @throws {WatchError} not-allowed */
  signIn(name: string, password: string): Promise<string[]>
  /** The second. Answers the cookies of the session. Opens no account that is only half made. @throws {WatchError} not-allowed */
  enterCode(cookie: string, code: string): Promise<string[]>
  /** Makes whoever was just created an operator of this role. Answers the cookies of the session. @throws {WatchError} not-allowed */
  finishJoining(cookie: string, code: string, role: OperatorRole): Promise<string[]>
  /** Null: nobody, or not through both steps. */
  actorOf(cookie: string | undefined): Promise<OperatorActor | null>
  /** Makes an operator; answers cookies and the secret for the code generator. @throws {WatchError} invalid-input */
  create(input: { readonly name: string; readonly password: string; readonly role: OperatorRole }): Promise<{
    readonly cookies: string[]
    readonly secret: string
    readonly uri: string
  }>
  signOut(cookie: string): Promise<string[]>
  setRole(id: string, role: OperatorRole): void
  remove(id: string): void
}

/** Opens the file, made and brought up to date when needed. */
export async function openOperatorAuth(ctx: WatchCtx): Promise<OperatorAuth> {
  mkdirSync(ctx.config.dataDir, { recursive: true, mode: 0o700 })
  const path = join(ctx.config.dataDir, 'operators.sqlite')
  const db = new DatabaseSync(path, { timeout: 2_000 })
  chmodSync(path, 0o600)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
  const auth = configureAuth(ctx, db, await readSecret(ctx))
  await (await getMigrations(auth.options)).runMigrations()

  const readCookies = (headers: Headers): string[] => headers.getSetCookie()
  const headersOf = (cookie: string): Headers => new Headers({ cookie })

  async function actorOf(cookie: string | undefined): Promise<OperatorActor | null> {
    if (!cookie) return null
    const session = await auth.api.getSession({ headers: headersOf(cookie) })
    const user = SessionUser.safeParse(session?.user)
    if (!user.success || user.data.twoFactorEnabled !== true) return null
    const { id, name, role } = user.data
    return { kind: 'operator', id, name, role }
  }

  async function verifyCode(cookie: string, code: string): Promise<string[]> {
    const answer = await refusing(() =>
      auth.api.verifyTOTP({ body: { code }, headers: headersOf(cookie), returnHeaders: true }),
    )
    return readCookies(answer.headers)
  }

  return {
    actorOf,
    count: () =>
      db.prepare('select count(*) as count from user where twoFactorEnabled = 1').get()!['count'] as number,
    list: () =>
      db
        .prepare('select id, name, role, createdAt from user where twoFactorEnabled = 1 order by createdAt')
        .all() as unknown as Operator[],
    async signIn(name, password) {
      const answer = await refusing(() =>
        auth.api.signInUsername({ body: { username: name, password }, returnHeaders: true }),
      )
      // Half-made accounts have no second step yet, and no way in.
      if (!answer.response || !('twoFactorRedirect' in answer.response)) throw refused()
      return readCookies(answer.headers)
    },
    enterCode: (cookie, code) => verifyCode(onlyDoor(cookie), code),
    async finishJoining(cookie, code, role) {
      const user = SessionUser.safeParse((await auth.api.getSession({ headers: headersOf(cookie) }))?.user)
      if (!user.success || user.data.twoFactorEnabled === true) throw refused()
      // The role is that of the invitation which is used up now, not of the one by which the account was begun.
      db.prepare('update user set role = ? where id = ?').run(role, user.data.id)
      return verifyCode(cookie, code)
    },
    async create({ name, password, role }) {
      // Somebody began under this name and never came through the second step.
      db.prepare('delete from user where username = ? and coalesce(twoFactorEnabled, 0) = 0').run(
        name.toLowerCase(),
      )
      const email = `${createHash('sha256').update(name.toLowerCase()).digest('hex').slice(0, 24)}@noreply.invalid`
      const made = await auth.api
        .signUpEmail({ body: { email, name, username: name, password }, returnHeaders: true })
        .catch((error: unknown) => {
          if (error instanceof APIError)
            throw new WatchError('invalid-input', {
              detail: 'This name is taken, or does not fit.',
              cause: error,
            })
          throw error
        })
      const cookies = readCookies(made.headers)
      db.prepare('update user set role = ? where id = ?').run(role, made.response.user.id)
      const { totpURI } = await enableTotp(auth, headersOf(joinCookies(cookies)), password)
      return { cookies, secret: new URL(totpURI).searchParams.get('secret')!, uri: totpURI }
    },
    async signOut(cookie) {
      const answer = await auth.api.signOut({ headers: headersOf(cookie), returnHeaders: true })
      return readCookies(answer.headers)
    },
    setRole: (id, role) => void db.prepare('update user set role = ? where id = ?').run(role, id),
    remove: (id) => {
      db.prepare('delete from session where userId = ?').run(id)
      db.prepare('delete from user where id = ?').run(id)
    },
    [Symbol.dispose]: () => db.close(),
  }
}

function configureAuth(ctx: WatchCtx, db: DatabaseSync, secret: string) {
  const isSecure = ctx.config.publicUrl?.startsWith('https:') ?? false
  return betterAuth({
    appName: ctx.config.name,
    secret,
    baseURL: ctx.config.publicUrl ?? 'http://localhost',
    telemetry: { enabled: false },
    logger: { disabled: true },
    // Limits stand in front of it, in the routes.
    rateLimit: { enabled: false },
    database: db,
    advanced: {
      cookiePrefix: COOKIE_PREFIX,
      useSecureCookies: isSecure,
      // A foreign origin is refused for every route of the watch.
      disableCSRFCheck: true,
      defaultCookieAttributes: { path: '/operate', sameSite: 'lax', httpOnly: true, secure: isSecure },
    },
    session: { expiresIn: SESSION_S, disableSessionRefresh: true },
    user: { additionalFields: { role: { type: 'string', input: false, defaultValue: 'observer' } } },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: PASSWORD_MIN_LENGTH,
      maxPasswordLength: PASSWORD_MAX_LENGTH,
      password: { hash: hashPassword, verify: verifyPassword },
    },
    plugins: [
      username({ minUsernameLength: 2, maxUsernameLength: 40 }),
      twoFactor({ issuer: ctx.config.name }),
    ],
  })
}

async function enableTotp(
  auth: ReturnType<typeof configureAuth>,
  headers: Headers,
  password: string,
): Promise<{ totpURI: string }> {
  const enabled: unknown = await auth.api.enableTwoFactor({ body: { password }, headers })
  return z.object({ totpURI: z.string() }).parse(enabled)
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

/**
 * Of a `Cookie` header what the first step of signing in gave. With a session beside it better-auth would take the code as
 * the end of joining, and a half-made account would need no invitation.
 */
const onlyDoor = (cookie: string): string =>
  cookie
    .split(';')
    .filter((pair) => pair.split('=', 1)[0]!.trim().endsWith(`${COOKIE_PREFIX}.two_factor`))
    .join(';')

/** `Set-Cookie` headers as a `Cookie` header. */
export const joinCookies = (cookies: readonly string[]): string =>
  cookies.map((cookie) => cookie.split(';', 1)[0]!).join('; ')

async function readSecret(ctx: WatchCtx): Promise<string> {
  await ctx.store.write([
    {
      sql: "insert into kept (name, value, at_ms) values ('operators-secret', :value, :nowMs) on conflict do nothing",
      params: { value: randomBytes(SECRET_BYTES).toString('base64url'), nowMs: ctx.clock.now().getTime() },
    },
  ])
  return ctx.store.get<{ value: string }>("select value from kept where name = 'operators-secret'")!.value
}
