/** Verbs on what guards an account: what is set up, fresh proof of who sits there, another e-mail address. */
import type { Proof, Security } from '../../../../contract/security.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import type { Viewer } from '../../../app/http.ts'
import { inTransaction, isUniqueViolation } from '../../../infra/db/index.ts'
import { mailQueue } from '../../mail/index.ts'
import * as accounts from '../accounts.queries.ts'
import * as factors from './factors.queries.ts'
import { decoyHash, verifyPassword } from '../passwords/passwords.ts'
import { checkPasskey, type Origin } from './passkeys.ts'
import { provenUntil, requireProof } from './proof.ts'
import { isReachable } from '../profile/reachable.ts'
import { takeFactorCode } from './second-factors.ts'
import { findAlarm } from '../notices/sign-in-notices.queries.ts'
import { listNotices } from '../notices/sign-in-notices.ts'

export async function loadSecurity(ctx: Ctx, viewer: Viewer): Promise<Security> {
  const [account, totp, recoveryCodesLeft, passkeys, alarmAt, proven, notices] = await Promise.all([
    accounts.findAccountById(ctx.db, viewer.id),
    factors.findTotp(ctx.db, viewer.id),
    factors.countRecoveryCodes(ctx.db, viewer.id),
    factors.listPasskeys(ctx.db, viewer.id),
    findAlarm(ctx.db, viewer.id),
    provenUntil(ctx, viewer),
    listNotices(ctx, viewer),
  ])
  return {
    hasTotp: totp?.confirmedAt != null,
    recoveryCodesLeft,
    passkeys: passkeys.map(({ id, name, createdAt, usedAt, isBackedUp }) => ({
      ...{ id, name, isBackedUp },
      createdAt: createdAt.toISOString(),
      usedAt: usedAt?.toISOString() ?? null,
    })),
    canMail: account !== undefined && isReachable(ctx, account.email),
    passwordAlarmAt: alarmAt?.toISOString() ?? null,
    provenUntil: proven?.toISOString() ?? null,
    notices,
  }
}

/**
 * Takes the password, a code or a passkey as fresh proof of who sits there.
 *
 * @throws {AppError} wrong-credentials, wrong-code, passkey-refused, busy.
 */
export async function prove(ctx: Ctx, viewer: Viewer, origin: Origin, proof: Proof): Promise<void> {
  if (viewer.isUnchecked) throw new AppError('session-not-checked')
  if ('credential' in proof) await checkPasskey(ctx, origin, proof, viewer.id)
  else if ('code' in proof) {
    if (!(await takeFactorCode(ctx, viewer.id, proof.code))) throw new AppError('wrong-code')
  } else {
    const hash = (await factors.findPasswordHash(ctx.db, viewer.id)) ?? decoyHash(ctx)
    const { password } = proof
    if (!(await verifyPassword(ctx.hashingDoor, { hash, password }))) throw new AppError('wrong-credentials')
  }
  await factors.upsertProof(ctx.db, viewer.sessionId, ctx.clock.now())
}

/** The address from before is told. @throws {AppError} proof-needed, email-taken. */
export async function changeEmail(ctx: Ctx, viewer: Viewer, email: string): Promise<void> {
  await requireProof(ctx, viewer)
  const to = email.toLowerCase()
  try {
    await inTransaction(ctx, async (tx) => {
      const before = await accounts.findAccountById(tx, viewer.id)
      await accounts.updateAccount(tx, viewer.id, { email: to, updated_at: ctx.clock.now() })
      if (!before || before.email === to || !isReachable(ctx, before.email)) return
      await ctx.jobs.enqueue(tx, mailQueue, {
        id: ctx.newId(),
        to: before.email,
        subject: `Your address at ${ctx.config.instanceName} was changed`,
        text: `@${viewer.handle} has another e-mail address now. If that was not you, sign in and look under Settings, Account and security.`,
      })
    })
  } catch (error) {
    if (isUniqueViolation(error, 'account_email_key')) throw new AppError('email-taken')
    throw error
  }
}
