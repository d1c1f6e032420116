/** better-auth as the operators use it: passwords, one-time codes and sessions, on a SQLite file of their own. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { twoFactor } from 'better-auth/plugins/two-factor'
import { username } from 'better-auth/plugins/username'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { keepOnce } from '../store/index.ts'
import { hashPassword, verifyPassword } from './passwords.ts'

export const PASSWORD_MIN_LENGTH = 12
export const PASSWORD_MAX_LENGTH = 200
const SESSION_S = 12 * 3600
const SECRET_BYTES = 32
/** What better-auth signs and seals with is kept by this name. */
export const AUTH_SECRET_NAME = 'operators-secret'
export const COOKIE_PREFIX = 'upbeat-watch'

export type AuthEngine = ReturnType<typeof configureAuth>

/** Opens the file, made and brought up to date when needed. */
export async function openAuthEngine(
  ctx: WatchCtx,
): Promise<{ readonly db: DatabaseSync; readonly engine: AuthEngine }> {
  mkdirSync(ctx.config.dataDir, { recursive: true, mode: 0o700 })
  const path = join(ctx.config.dataDir, 'operators.sqlite')
  const db = new DatabaseSync(path, { timeout: 2_000 })
  chmodSync(path, 0o600)
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on')
  const secret = await keepOnce(ctx.store, {
    name: AUTH_SECRET_NAME,
    nowMs: ctx.clock.now().getTime(),
    make: () => randomBytes(SECRET_BYTES).toString('base64url'),
  })
  const engine = configureAuth(ctx, db, secret)
  await (await getMigrations(engine.options)).runMigrations()
  return { db, engine }
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

/** Turns the second step on; answers the address that code generators read. */
export async function enableTotp(engine: AuthEngine, headers: Headers, password: string): Promise<string> {
  const enabled: unknown = await engine.api.enableTwoFactor({ body: { password }, headers })
  return z.object({ totpURI: z.string() }).parse(enabled).totpURI
}
