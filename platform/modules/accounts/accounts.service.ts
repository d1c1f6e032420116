/** Verbs on accounts: signing up and in, sessions, password, profile, the operator's one-time link. */
import { createHash } from 'node:crypto'
import { APIError } from 'better-auth/api'
import type { AccountCard, PasswordChange, ProfileEdit, Session, SignUp } from '../../../contract/accounts.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError, NotFoundError } from '../../app/errors.ts'
import type { Viewer } from '../../app/http.ts'
import { inTransaction, type Db, type Tx } from '../../infra/db/index.ts'
import { createSignUpAuth, type Auth } from './auth.ts'
import { describeDevice } from './sessions/devices.ts'
import * as queries from './accounts.queries.ts'
import { hashDevice, newDeviceToken } from './sign-in/known-devices.ts'
import { refuseLeakedPassword, type BreachCheck } from './passwords/leaked-passwords.ts'
import type { DeviceClient, SignedIn } from './sign-in/let-in.ts'
import { INTERNAL_EMAIL_DOMAIN, toAccountCard } from './profile/me.ts'
import { hashPassword } from './passwords/passwords.ts'
import { rememberPlace, type Client } from './notices/places.ts'
import { keepRevoked } from './sessions/revocations.ts'
import { announceRevoked, sessionCookieValue } from './sessions/sessions.ts'
import { deleteDevices, upsertDevice } from './sign-in/sign-in.queries.ts'
import { deleteConfirmations, endAlarm } from './notices/sign-in-notices.queries.ts'

/** Whether anyone may make an account: the configuration lets them, and no flag has closed it meanwhile. */
export const isSignUpOpen = async ({ config, flags }: Pick<Ctx, 'config' | 'flags'>): Promise<boolean> =>
  config.isSignUpOpen && (await flags.isOn('sign-up'))

/**
 * Makes an account and signs it in; by the operator's link, an operator's. All of it happens or none: an attempt that
 * failed, for whatever reason, can be made again with the same handle and link.
 *
 * @throws {AppError} sign-up-closed, invalid-input for a password that is guessed first or has leaked, handle-taken, email-taken, operator-link-used, busy.
 */
export async function signUp(
  ctx: Ctx,
  input: SignUp,
  client: Client & Partial<DeviceClient>,
  breaches: BreachCheck = NOTHING_LEAKED,
): Promise<SignedIn> {
  if (input.operatorToken === undefined && !(await isSignUpOpen(ctx))) throw new AppError('sign-up-closed')
  await refuseLeakedPassword(breaches, { ...input, field: 'password' })
  // Hashing waits for its turn and takes long: no transaction is held meanwhile.
  const passwordHash = await hashPassword(ctx.hashingDoor, input.password)
  const deviceToken = client.deviceToken ?? newDeviceToken(ctx)
  try {
    return await inTransaction(ctx, async (tx) => {
      const isOperator = await useOperatorToken(ctx, tx, input)
      const { token, user } = await createSignUpAuth(ctx, tx, passwordHash).api.signUpEmail({
        body: {
          name: input.handle,
          email: input.email?.toLowerCase() ?? `${ctx.newId()}${INTERNAL_EMAIL_DOMAIN}`,
          password: input.password,
          username: input.handle,
          displayUsername: input.handle,
        },
        headers: headersOf(client),
      })
      if (isOperator) await makeOperator(ctx, tx, { ...input, accountId: user.id })
      await rememberPlace(ctx, tx, user.id, client)
      await upsertDevice(tx, user.id, hashDevice(deviceToken), ctx.clock.now())
      return { accountId: user.id, sessionToken: token!, deviceToken }
    })
  } catch (error) {
    throw await translateSignUpError(ctx, input, error)
  }
}

const NOTHING_LEAKED: BreachCheck = { hasLeaked: async () => false }

/** Whether the link was given; it can't be used by anyone else until the transaction ends. */
async function useOperatorToken(ctx: Ctx, tx: Tx, { operatorToken }: SignUp): Promise<boolean> {
  if (operatorToken === undefined) return false
  const isClaimed = await queries.claimOperatorLink(tx, sha256(operatorToken), ctx.clock.now())
  if (!isClaimed) throw new AppError('operator-link-used')
  return true
}

async function makeOperator(
  ctx: Ctx,
  tx: Tx,
  { operatorToken, accountId }: SignUp & { readonly accountId: string },
): Promise<void> {
  await queries.updateAccount(tx, accountId, { role: 'operator', updated_at: ctx.clock.now() })
  await queries.recordOperatorLinkUse(tx, sha256(operatorToken!), accountId)
}

async function translateSignUpError(ctx: Ctx, input: SignUp, error: unknown): Promise<unknown> {
  if (!(error instanceof APIError)) return error
  const code = error.body?.code ?? ''
  if (code.startsWith('USERNAME_IS_ALREADY_TAKEN')) return new AppError('handle-taken')
  if (code.startsWith('USER_ALREADY_EXISTS')) return new AppError('email-taken')
  // Lost a race: the unique constraint spoke, which better-auth tells as a failed insert.
  if (code === 'FAILED_TO_CREATE_USER') {
    const isHandleTaken = await queries.findAccountByHandle(ctx.db, input.handle)
    return new AppError(isHandleTaken ? 'handle-taken' : 'email-taken')
  }
  return error.statusCode < 500 ? new AppError('invalid-input', { detail: error.message }) : error
}

/** Ends one of the viewer's own sessions. @throws {NotFoundError} */
export async function revokeSession(ctx: Ctx, viewer: Viewer, sessionId: string): Promise<void> {
  const token = await inTransaction(ctx, async (tx) => {
    const revoked = await queries.deleteSession(tx, viewer.id, sessionId)
    if (!revoked) throw new NotFoundError('session', sessionId)
    await announceRevoked(ctx, tx, [revoked.token])
    return revoked.token
  })
  await keepRevoked(ctx, [token])
}

export async function listSessions(ctx: Ctx, viewer: Viewer): Promise<Session[]> {
  const rows = await queries.listSessions(ctx.db, viewer.id, ctx.clock.now())
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.createdAt.toISOString(),
    lastSeenAt: row.lastSeenAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    address: row.address,
    device: describeDevice(row.userAgent),
    isCurrent: row.id === viewer.sessionId,
  }))
}

/**
 * @throws {AppError} wrong-credentials when the current password is not the one given, invalid-input when the new one
 * is guessed first or has leaked.
 */
export async function changePassword(
  ctx: Ctx,
  { auth, breaches }: { readonly auth: Auth; readonly breaches: BreachCheck },
  viewer: Viewer,
  at: { readonly sessionToken: string; readonly deviceToken: string | null },
  input: PasswordChange,
): Promise<void> {
  const { newPassword: password } = input
  await refuseLeakedPassword(breaches, { password, handle: viewer.handle, field: 'newPassword' })
  try {
    await auth.api.changePassword({
      body: { currentPassword: input.currentPassword, newPassword: input.newPassword },
      headers: new Headers({ cookie: sessionCookieValue(at.sessionToken, ctx.secrets.session) }),
    })
  } catch (error) {
    if (!(error instanceof APIError) || error.statusCode >= 500) throw error
    throw new AppError('wrong-credentials', {
      detail: 'The current password is not right. Nothing was changed.',
      isWorkKept: true,
    })
  }
  await inTransaction(ctx, async (tx) => {
    await endAlarm(tx, viewer.id)
    // Begun with the old password.
    await deleteConfirmations(tx, viewer.id)
  })
  if (!input.signOutOtherSessions) return
  const tokens = await inTransaction(ctx, async (tx) => {
    const others = await queries.deleteOtherSessions(tx, viewer.id, viewer.sessionId)
    const ended = others.map((row) => row.token)
    await announceRevoked(ctx, tx, ended)
    await deleteDevices(tx, viewer.id, at.deviceToken === null ? null : hashDevice(at.deviceToken))
    return ended
  })
  await keepRevoked(ctx, tokens)
}

export async function editProfile(ctx: Ctx, viewer: Viewer, edit: ProfileEdit): Promise<void> {
  await queries.updateAccount(ctx.db, viewer.id, { ...edit, updated_at: ctx.clock.now() })
}

/** Cards of accounts by id; a missing account has no entry. */
export async function loadAccountCards(
  db: Db | Tx,
  ids: readonly string[],
): Promise<Map<string, AccountCard>> {
  const rows = ids.length === 0 ? [] : await queries.listCards(db, [...new Set(ids)])
  return new Map(rows.map((row) => [row.id, toAccountCard(row)]))
}

/**
 * Makes a new one-time link for the operator's account and voids an older unused one.
 *
 * @returns the path to open, or null when the instance has an operator already.
 */
export async function issueOperatorLink(ctx: Ctx): Promise<string | null> {
  if (await queries.hasOperator(ctx.db)) return null
  const token = ctx.randomBytes(24).toString('base64url')
  await inTransaction(ctx, (tx) =>
    queries.replaceOperatorLink(tx, { token_sha256: sha256(token), created_at: ctx.clock.now() }),
  )
  return `/first-run?token=${token}`
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

function headersOf(client: Client): Headers {
  return new Headers({ 'x-forwarded-for': client.address, 'user-agent': client.userAgent.slice(0, 300) })
}
