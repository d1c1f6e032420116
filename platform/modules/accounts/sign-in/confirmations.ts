/**
 * The second step of signing in: a code of the authenticator, a recovery code, or one that is mailed. Without an account
 * behind it a step looks and costs the same, and no code completes it.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { GUESSES_AT_ONCE } from '../../../../engines/sign-in/index.ts'
import type { Confirmation } from '../../../../contract/security.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import { inTransaction } from '../../../infra/db/index.ts'
import { mailQueue } from '../../mail/index.ts'
import { letIn, type DeviceClient, type SignedIn } from './let-in.ts'
import { isReachable } from '../profile/reachable.ts'
import { takeFactorCode } from '../second-factors/second-factors.ts'
import * as queries from './sign-in.queries.ts'

/** Codes that may be tried at one step. A million codes, three good at a time, and 20 steps a day at most. */
export const CODE_TRIES = 5
const STEP_MS = 10 * 60_000
const MAIL_CODE_DIGITS = 8

interface Begin {
  readonly account: { readonly id: string; readonly email: string; readonly hasTotp: boolean } | null
  readonly nameKey: Buffer
}

/** Begins a step; answers the error that tells the client to go on with it. */
export async function beginConfirmation(ctx: Ctx, { account, nameKey }: Begin): Promise<AppError> {
  const token = ctx.randomBytes(24).toString('base64url')
  const code = String(ctx.randomBytes(6).readUIntBE(0, 6) % 10 ** MAIL_CODE_DIGITS).padStart(
    MAIL_CODE_DIGITS,
    '0',
  )
  const isMailed = account !== null && !account.hasTotp && isReachable(ctx, account.email)
  await inTransaction(ctx, async (tx) => {
    await queries.insertConfirmation(tx, {
      token_sha256: sha256(token),
      account_id: account?.id ?? null,
      name_key: nameKey,
      mail_code_sha256: isMailed ? hashCode(ctx, token, code) : null,
      expires_at: new Date(ctx.clock.now().getTime() + STEP_MS),
    })
    // A decoy is queued as well: what we do does not depend on whether the password was right.
    await ctx.jobs.enqueue(tx, mailQueue, {
      id: ctx.newId(),
      to: isMailed ? account.email : null,
      subject: `${code} is your code for ${ctx.config.instanceName}`,
      text: `Somebody signs in to your account with its password, from a device that it does not know.

If that is you, enter this code: ${code}
It is good for ten minutes.

If it is not you, your password is known to somebody else. They are not in. Choose another one.`,
    })
  })
  return new AppError('confirmation-needed', {
    detail:
      'If handle and password belong together: enter the code of your authenticator, a recovery code, or the code that ' +
      'was mailed to the account’s address. An account that has none of these is let in on a device or in a network ' +
      'where it was signed in before.',
    facts: { confirmation: token },
  })
}

/** Completes a step, and signs in. @throws {AppError} wrong-code, confirmation-ended. */
export async function confirmSignIn(
  ctx: Ctx,
  { confirmation, code }: Confirmation,
  client: DeviceClient,
): Promise<SignedIn> {
  const token = sha256(confirmation)
  const step = await queries.takeConfirmationTry(ctx.db, token, ctx.clock.now(), CODE_TRIES)
  if (!step) throw new AppError('confirmation-ended')
  const { accountId, mailCode, nameKey } = step
  const isMailCode = mailCode !== null && timingSafeEqual(mailCode, hashCode(ctx, confirmation, code))
  const isRight = accountId !== null && (isMailCode || (await takeFactorCode(ctx, accountId, code)))
  if (!isRight) throw new AppError('wrong-code', { facts: { triesLeft: CODE_TRIES - step.tries } })
  return letIn(ctx, accountId, client, async (tx) => {
    if (!(await queries.endConfirmation(tx, token))) throw new AppError('confirmation-ended')
    await queries.giveGuessBack(tx, nameKey, GUESSES_AT_ONCE)
  })
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/** Short as it is, the code is kept under a key that the database does not have. */
const hashCode = (ctx: Ctx, token: string, code: string) =>
  createHmac('sha256', ctx.secrets.session).update(`mail code\0${token}\0${code}`).digest()
