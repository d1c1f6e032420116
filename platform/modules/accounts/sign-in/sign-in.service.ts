/** Signing in by password, and what strangers pay for a try. */
import {
  GUESS_REFILL_MS,
  GUESSES_AT_ONCE,
  type Attempt,
  type Cost,
} from '../../../../engines/sign-in/index.ts'
import { inScopeOf, Scope } from '../../../../kit/admission/index.ts'
import { networkOf } from '../../../../kit/network/network-of.ts'
import type { SignIn } from '../../../../contract/accounts.ts'
import { inRequestScope } from '../../../app/admission.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import { beginConfirmation } from './confirmations.ts'
import { hashDevice } from './known-devices.ts'
import { letIn, type DeviceClient, type SignedIn } from './let-in.ts'
import { decoyHash, verifyPassword } from '../passwords/passwords.ts'
import type { OpenSignInGuard } from './sign-in-guard.ts'
import * as queries from './sign-in.queries.ts'
import type { SignInWork } from './work.ts'

export interface SignInParts {
  readonly guard: OpenSignInGuard
  readonly work: SignInWork
}

/** Hashes for known devices and for known networks go before those of others (classes of admission). */
const KNOWN_CLASS = 1
const STRANGER_CLASS = 2

/**
 * Signs in by password, and has the account told when this is from a kind of device or a network that it was never signed
 * in from. A name that nobody has costs us and the client as much as one that somebody has.
 *
 * @throws {AppError} wrong-credentials, work-needed, confirmation-needed, sign-in-refused, busy.
 */
export async function signIn(
  ctx: Ctx,
  parts: SignInParts,
  input: SignIn,
  client: DeviceClient,
): Promise<SignedIn> {
  const attempt = await prepare(ctx, parts, input, client)
  const { cost, candidate, nameKey } = attempt
  await payFor(ctx, parts, attempt, input.work)
  const isRight = await checkPassword(ctx, attempt, input.password)
  parts.guard.note(attempt.attempt, isRight ? 'right' : 'wrong')

  const mustConfirm = cost.mustConfirm || (candidate?.hasAlarm === true && cost.isStranger)
  // Under attack right and wrong look the same: whoever tries a list does not even learn which pairs are good.
  if (mustConfirm || (isRight && candidate!.hasTotp))
    throw await beginConfirmation(ctx, { account: isRight ? candidate! : null, nameKey })
  if (!isRight) throw new AppError('wrong-credentials')
  if (cost.isStranger) await giveGuessBack(ctx, nameKey)
  return letIn(ctx, candidate!.id, client)
}

interface Prepared {
  readonly candidate: queries.Candidate | undefined
  readonly nameKey: Buffer
  readonly attempt: Attempt
  readonly cost: Cost
  /** Whose solution of the work is taken. */
  readonly boundTo: string
}

const FREE: Omit<Cost, 'isStranger'> = { refusedMs: 0, work: 0, delayMs: 0, mustConfirm: false, reasons: [] }

async function prepare(
  ctx: Ctx,
  { guard }: SignInParts,
  { identifier, password }: SignIn,
  { address, deviceToken }: DeviceClient,
): Promise<Prepared> {
  const device = deviceToken === null ? null : hashDevice(deviceToken)
  const candidate = await queries.findCandidate(ctx.db, { identifier, device, network: networkOf(address) })
  const name = candidate?.id ?? identifier.toLowerCase()
  const attempt = guard.attemptOf({
    ...{ name, address, password },
    device: candidate?.isDeviceKnown ? device : null,
    isNetworkKnown: candidate?.isNetworkKnown ?? false,
  })
  const isOff = ctx.config.protectionsOff.has('sign-in-guard')
  const cost = isOff ? { ...FREE, isStranger: false } : guard.weigh(attempt)
  return {
    candidate,
    nameKey: guard.nameKeyOf(name),
    attempt,
    cost,
    boundTo: `${attempt.account}.${attempt.network}`,
  }
}

/** In the order of what it costs us. @throws {AppError} sign-in-refused, work-needed */
async function payFor(
  ctx: Ctx,
  { work }: SignInParts,
  { cost, nameKey, boundTo }: Prepared,
  solution: string | undefined,
): Promise<void> {
  if (cost.refusedMs > 0) throw refused('Too many wrong passwords came from this network.', cost.refusedMs)
  const order = { boundTo, factor: cost.work, delayMs: cost.delayMs }
  const isPaid = cost.work === 0 || (solution !== undefined && (await work.accept(solution, order)))
  if (!isPaid)
    throw new AppError('work-needed', {
      facts: { challenge: await work.order(order), waitMs: cost.delayMs },
    })
  if (!cost.isStranger) return
  const left = await queries.takeGuess(ctx.db, {
    nameKey,
    at: ctx.clock.now(),
    atOnce: GUESSES_AT_ONCE,
    refillMs: GUESS_REFILL_MS,
  })
  if (left < 0) throw refused('Too many wrong passwords were tried at this account.', -left * GUESS_REFILL_MS)
}

const refused = (detail: string, waitMs: number) =>
  new AppError('sign-in-refused', { detail, retryAfterS: Math.ceil(waitMs / 1_000) })

/** One hash of one cost, whoever is asked for. @throws {AppError} busy */
async function checkPassword(
  ctx: Ctx,
  { candidate, cost, nameKey, attempt }: Prepared,
  password: string,
): Promise<boolean> {
  const hash = candidate?.passwordHash ?? decoyHash(ctx)
  const check = () => verifyPassword(ctx.hashingDoor, { hash, password })
  try {
    const isRight =
      cost.isStranger && !attempt.isNetworkKnown
        ? await inScopeOf(new Scope(STRANGER_CLASS, Infinity, false), check)
        : await inRequestScope(KNOWN_CLASS, check)
    return isRight && candidate?.passwordHash != null
  } catch (error) {
    // Nothing was tried: nothing is held against anybody.
    if (cost.isStranger) await giveGuessBack(ctx, nameKey)
    throw error
  }
}

const giveGuessBack = (ctx: Ctx, nameKey: Buffer) => queries.giveGuessBack(ctx.db, nameKey, GUESSES_AT_ONCE)
