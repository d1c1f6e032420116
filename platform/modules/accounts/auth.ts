/** better-auth behind our own routes: it keeps users, credentials and sessions; we own cookies, errors and limits. */
import { betterAuth } from 'better-auth'
import { username } from 'better-auth/plugins/username'
import { PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH } from '../../../contract/accounts.ts'
import { HANDLE_MAX_LENGTH, HANDLE_MIN_LENGTH } from '../../../contract/common.ts'
import type { Ctx } from '../../app/context.ts'
import { inCamelCase, type Db, type Tx } from '../../infra/db/index.ts'
import { hashPassword, verifyPassword } from './passwords/passwords.ts'

export const SESSION_DAYS = 30
export const SESSION_COOKIE = 'upbeat.session_token'

/** Makes the better-auth instance of this process. */
export const createAuth = (ctx: Ctx) =>
  configureAuth(ctx, {
    db: ctx.db,
    hash: (password) => hashPassword(ctx.hashingDoor, password),
    validateSchema: true,
  })

/**
 * Makes one for a single sign-up: it writes in the caller's transaction, and takes the password's hash as made before that
 * began.
 */
export const createSignUpAuth = (ctx: Ctx, tx: Tx, passwordHash: string) =>
  configureAuth(ctx, { db: tx, hash: async () => passwordHash, validateSchema: false })

interface AuthParts {
  readonly db: Db | Tx
  readonly hash: (password: string) => Promise<string>
  /** Whether the first use compares the tables with what better-auth expects: once a process is enough. */
  readonly validateSchema: boolean
}

function configureAuth(ctx: Ctx, { db, hash, validateSchema }: AuthParts) {
  return betterAuth({
    appName: ctx.config.instanceName,
    secret: ctx.secrets.session,
    baseURL: ctx.config.publicUrl ?? 'http://localhost',
    telemetry: { enabled: false },
    logger: { disabled: true },
    rateLimit: { enabled: false },
    database: { db: inCamelCase(db), type: 'postgres' },
    advanced: {
      cookiePrefix: 'upbeat',
      useSecureCookies: false,
      disableCSRFCheck: true,
      database: { generateId: () => ctx.newId(), validateSchema },
    },
    user: {
      modelName: 'account',
      additionalFields: {
        role: { type: 'string', input: false, defaultValue: 'member' },
        bio: { type: 'string', input: false, defaultValue: '' },
      },
    },
    session: { modelName: 'auth_session', expiresIn: SESSION_DAYS * 24 * 3600 },
    account: { modelName: 'auth_credential' },
    verification: { modelName: 'auth_verification' },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: PASSWORD_MIN_LENGTH,
      maxPasswordLength: PASSWORD_MAX_LENGTH,
      password: { hash, verify: (given) => verifyPassword(ctx.hashingDoor, given) },
    },
    plugins: [
      username({
        minUsernameLength: HANDLE_MIN_LENGTH,
        maxUsernameLength: HANDLE_MAX_LENGTH,
        usernameValidator: () => true,
      }),
    ],
  })
}

export type Auth = ReturnType<typeof createAuth>
