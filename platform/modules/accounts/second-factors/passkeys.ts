/** Passkeys (WebAuthn level 3) by @simplewebauthn/server: adding one, signing in by one, taking one away. */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  type RegistrationResponseJSON,
} from '@simplewebauthn/server'
import {
  PASSKEYS_MAX,
  type NewPasskey,
  type PasskeyAnswer,
  type PasskeyOptions,
} from '../../../../contract/security.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError, NotFoundError } from '../../../app/errors.ts'
import type { Viewer } from '../../../app/http.ts'
import * as queries from './factors.queries.ts'
import { requireProof } from './proof.ts'

const CHALLENGE_MS = 5 * 60_000

/** Scheme, host and port by which the browser reached us: a passkey is bound to it. */
export type Origin = string

/** @throws {AppError} proof-needed, invalid-input when there are too many. */
export async function beginPasskey(ctx: Ctx, viewer: Viewer, origin: Origin): Promise<PasskeyOptions> {
  await requireProof(ctx, viewer)
  const existing = await queries.listPasskeys(ctx.db, viewer.id)
  if (existing.length >= PASSKEYS_MAX)
    throw new AppError('invalid-input', { detail: `An account has at most ${PASSKEYS_MAX} passkeys.` })
  const options = await generateRegistrationOptions({
    rpName: ctx.config.instanceName,
    rpID: new URL(origin).hostname,
    userID: new TextEncoder().encode(viewer.id),
    userName: viewer.handle,
    attestationType: 'none',
    excludeCredentials: existing.map(({ id, transports }) => ({ id, transports: transportsOf(transports) })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  })
  await keepChallenge(ctx, options.challenge, viewer.id)
  return { options: { ...options } }
}

/** @throws {AppError} proof-needed, passkey-refused. */
export async function addPasskey(ctx: Ctx, viewer: Viewer, origin: Origin, input: NewPasskey): Promise<void> {
  await requireProof(ctx, viewer)
  const verified = await orRefuse(() =>
    verifyRegistrationResponse({
      response: input.credential as unknown as RegistrationResponseJSON,
      expectedChallenge: (challenge) => takeChallenge(ctx, challenge, viewer.id),
      expectedOrigin: origin,
      expectedRPID: new URL(origin).hostname,
      requireUserVerification: true,
    }),
  )
  if (!verified.verified) throw new AppError('passkey-refused')
  const { credential, credentialBackedUp } = verified.registrationInfo
  const isNew = await queries.insertPasskey(ctx.db, {
    id: credential.id,
    account_id: viewer.id,
    public_key: Buffer.from(credential.publicKey),
    counter: credential.counter,
    transports: [...(credential.transports ?? [])],
    name: input.name,
    is_backed_up: credentialBackedUp,
    created_at: ctx.clock.now(),
  })
  if (!isNew) throw new AppError('passkey-refused', { detail: 'This passkey belongs to an account already.' })
}

/** @throws {NotFoundError} {AppError} proof-needed. */
export async function removePasskey(ctx: Ctx, viewer: Viewer, id: string): Promise<void> {
  await requireProof(ctx, viewer)
  if (!(await queries.deletePasskey(ctx.db, viewer.id, id))) throw new NotFoundError('passkey', id)
}

/** For whoever chooses one of theirs; or (`accountId`) for fresh proof by one of this account. */
export async function askForPasskey(
  ctx: Ctx,
  origin: Origin,
  accountId: string | null,
): Promise<PasskeyOptions> {
  const own = accountId === null ? [] : await queries.listPasskeys(ctx.db, accountId)
  const options = await generateAuthenticationOptions({
    rpID: new URL(origin).hostname,
    userVerification: 'required',
    allowCredentials: own.map(({ id, transports }) => ({ id, transports: transportsOf(transports) })),
  })
  await keepChallenge(ctx, options.challenge, accountId)
  return { options: { ...options } }
}

/**
 * Whose passkey answered. It can't be guessed, phished or tried at many accounts: it costs nobody anything more.
 *
 * @param accountId as it was asked for
 * @throws {AppError} passkey-refused
 */
export async function checkPasskey(
  ctx: Ctx,
  origin: Origin,
  { credential: answer }: PasskeyAnswer,
  accountId: string | null,
): Promise<string> {
  const passkey = await queries.findPasskey(ctx.db, answer.id)
  if (!passkey || (accountId !== null && passkey.accountId !== accountId))
    throw new AppError('passkey-refused')
  const verified = await orRefuse(() =>
    verifyAuthenticationResponse({
      response: answer as unknown as AuthenticationResponseJSON,
      expectedChallenge: (challenge) => takeChallenge(ctx, challenge, accountId),
      expectedOrigin: origin,
      expectedRPID: new URL(origin).hostname,
      requireUserVerification: true,
      credential: {
        id: answer.id,
        publicKey: new Uint8Array(passkey.publicKey),
        counter: passkey.counter,
        transports: transportsOf(passkey.transports),
      },
    }),
  )
  if (!verified.verified) throw new AppError('passkey-refused')
  await queries.notePasskeyUse(ctx.db, answer.id, verified.authenticationInfo.newCounter, ctx.clock.now())
  return passkey.accountId
}

const keepChallenge = (ctx: Ctx, challenge: string, accountId: string | null) =>
  queries.insertChallenge(ctx.db, challenge, accountId, new Date(ctx.clock.now().getTime() + CHALLENGE_MS))

const takeChallenge = (ctx: Ctx, challenge: string, accountId: string | null) =>
  queries.takeChallenge(ctx.db, challenge, accountId, ctx.clock.now())

/** The library throws plain errors for whatever does not fit. The database's own are passed on. */
async function orRefuse<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify()
  } catch (error) {
    if (error instanceof Error && error.constructor === Error)
      throw new AppError('passkey-refused', { cause: error })
    throw error
  }
}

const transportsOf = (kept: readonly string[]) => kept as AuthenticatorTransport[]
