/**
 * What an owner is told of a sign-in from a new place, and "this wasn't me": one tap ends all sessions, forgets all devices, takes
 * back what was added since, and lets nobody new in by the password until there is another one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { NewPassword, PasswordReset, SignInNotice } from '../../../../contract/security.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError, NotFoundError } from '../../../app/errors.ts'
import type { Viewer } from '../../../app/http.ts'
import { inTransaction, type Tx } from '../../../infra/db/index.ts'
import { mailQueue } from '../../mail/index.ts'
import * as accounts from '../accounts.queries.ts'
import * as factors from '../second-factors/factors.queries.ts'
import { requireProof } from '../second-factors/proof.ts'
import { hashPassword } from '../passwords/passwords.ts'
import { isReachable } from '../profile/reachable.ts'
import { keepRevoked } from '../sessions/revocations.ts'
import * as queries from './sign-in-notices.queries.ts'
import { announceRevoked } from '../sessions/sessions.ts'
import { deleteDevices } from '../sign-in/sign-in.queries.ts'
import { refuseLeakedPassword, type BreachCheck } from '../passwords/leaked-passwords.ts'

/** How long the link of a mail is good. */
const LINK_MS = 30 * 86_400_000
/** How long after it the password may be replaced without the old one. */
const RESET_MS = 3_600_000
const NOTICES_SHOWN = 5

interface NewPlace {
  readonly id: string
  readonly accountId: string
  readonly sessionId: string
  readonly device: string
  readonly address: string
}

/** Keeps the notice, and mails it where the account has an address. In the app modules/notifications shows it. */
export async function tellNewPlace(ctx: Ctx, tx: Tx, place: NewPlace): Promise<void> {
  const { id, accountId, sessionId, device, address } = place
  await queries.insertNotice(tx, {
    ...{ id, device, address },
    account_id: accountId,
    session_id: sessionId,
    created_at: ctx.clock.now(),
    denied_at: null,
  })
  const account = await accounts.findAccountById(tx, accountId)
  if (!account || !isReachable(ctx, account.email)) return
  const { instanceName, publicUrl } = ctx.config
  const link = `${publicUrl ?? ''}/not-me?token=${signLink(ctx, 'deny', id, LINK_MS)}`
  await ctx.jobs.enqueue(tx, mailQueue, {
    id,
    to: account.email,
    subject: `New sign-in to your account at ${instanceName}`,
    text: `@${account.handle} was signed in from a place where it had not been before:

${device} · ${address}
${ctx.clock.now().toUTCString()}

If that was you, there is nothing to do.

If it was not, one tap signs everybody out and lets you choose a new password:
${link}`,
  })
}

/**
 * Whoever was there before the sign-in that is denied needs a tap alone. Who came later proves who they are: by the notice
 * of its owner's sign-in a stolen session could choose a new password.
 *
 * @throws {NotFoundError} {AppError} proof-needed, session-not-checked; signed-out when it was this session's own
 */
export async function denyOwnSignIn(
  ctx: Ctx,
  viewer: Viewer,
  noticeId: string,
  device: Buffer | null,
): Promise<PasswordReset> {
  const notice = await queries.findNotice(ctx.db, noticeId)
  if (!notice || notice.accountId !== viewer.id) throw new NotFoundError('sign-in', noticeId)
  // Whoever taps in the very session that is denied is put out with it.
  const isTheirs = notice.sessionId === viewer.sessionId
  if (!isTheirs && !(await queries.hasBegunBefore(ctx.db, viewer.sessionId, notice.createdAt)))
    await requireProof(ctx, viewer)
  await deny(ctx, noticeId, notice, isTheirs ? null : { sessionId: viewer.sessionId, device })
  if (isTheirs) throw new AppError('signed-out')
  return resetOf(ctx, notice.accountId)
}

/** By the link of the mail: whoever reads the account's mail is its owner. @throws {AppError} link-ended */
export async function denyByMail(ctx: Ctx, token: string): Promise<PasswordReset> {
  const noticeId = readLink(ctx, 'deny', token)
  const notice = noticeId === null ? undefined : await queries.findNotice(ctx.db, noticeId)
  if (!notice || notice.deniedAt !== null) throw new AppError('link-ended')
  await deny(ctx, noticeId!, notice, null)
  return resetOf(ctx, notice.accountId)
}

async function deny(
  ctx: Ctx,
  noticeId: string,
  notice: { readonly accountId: string; readonly createdAt: Date },
  kept: { readonly sessionId: string; readonly device: Buffer | null } | null,
): Promise<void> {
  const { accountId, createdAt } = notice
  const tokens = await inTransaction(ctx, async (tx) => {
    const now = ctx.clock.now()
    await queries.markDenied(tx, noticeId, now)
    await queries.raiseAlarm(tx, accountId, now)
    await queries.deleteConfirmations(tx, accountId)
    await deleteDevices(tx, accountId, kept?.device ?? null)
    // Whoever came in then may have made a way back in.
    await factors.deletePasskeysSince(tx, accountId, createdAt)
    await factors.deleteTotp(tx, accountId, createdAt)
    const ended = (await queries.deleteSessions(tx, accountId, kept?.sessionId ?? null)).map(
      ({ token }) => token,
    )
    await announceRevoked(ctx, tx, ended)
    return ended
  })
  await keepRevoked(ctx, tokens)
}

/** A leave to choose a new password: void once there is one. */
async function resetOf(ctx: Ctx, accountId: string): Promise<PasswordReset> {
  const hash = await factors.findPasswordHash(ctx.db, accountId)
  return { resetToken: signLink(ctx, `reset ${hash}`, accountId, RESET_MS) }
}

/**
 * Replaces a password that counts as known to others, by the leave that denying gave.
 *
 * @throws {AppError} link-ended, invalid-input for a password that is guessed first or has leaked, busy.
 */
export async function resetPassword(
  ctx: Ctx,
  breaches: BreachCheck,
  { resetToken, newPassword }: NewPassword,
): Promise<void> {
  const accountId = resetToken.split('.', 1)[0]!
  const account = isId(accountId) ? await accounts.findAccountById(ctx.db, accountId) : undefined
  const from = account && (await factors.findPasswordHash(ctx.db, accountId))
  if (!account || !from || readLink(ctx, `reset ${from}`, resetToken) === null)
    throw new AppError('link-ended')
  await refuseLeakedPassword(breaches, {
    password: newPassword,
    handle: account.handle,
    field: 'newPassword',
  })
  const to = await hashPassword(ctx.hashingDoor, newPassword)
  await inTransaction(ctx, async (tx) => {
    if (!(await factors.replacePassword(tx, { accountId, from, to, at: ctx.clock.now() })))
      throw new AppError('link-ended')
    await queries.deleteConfirmations(tx, accountId)
    await queries.endAlarm(tx, accountId)
  })
}

/** The latest, newest first. */
export async function listNotices(ctx: Ctx, viewer: Viewer): Promise<SignInNotice[]> {
  const rows = await queries.listNotices(ctx.db, viewer.id, NOTICES_SHOWN)
  return rows.map((row) => ({
    ...row,
    createdAt: row.createdAt.toISOString(),
    deniedAt: row.deniedAt?.toISOString() ?? null,
  }))
}

const isId = (text: string) => /^[\da-f-]{36}$/.test(text)

function signLink(ctx: Ctx, purpose: string, id: string, goodMs: number): string {
  const text = `${id}.${ctx.clock.now().getTime() + goodMs}`
  return `${text}.${macOf(ctx, purpose, text)}`
}

/** What it is about; null: forged, or too old. */
function readLink(ctx: Ctx, purpose: string, token: string): string | null {
  const [id, untilMs, mac] = token.split('.')
  if (!id || !mac || !isId(id)) return null
  const expected = Buffer.from(macOf(ctx, purpose, `${id}.${untilMs}`))
  const given = Buffer.from(mac)
  const isOurs = expected.length === given.length && timingSafeEqual(expected, given)
  return isOurs && Number(untilMs) > ctx.clock.now().getTime() ? id : null
}

const macOf = (ctx: Ctx, purpose: string, text: string) =>
  createHmac('sha256', ctx.secrets.session).update(`link ${purpose}\0${text}`).digest('base64url')
