/**
 * One-time codes of an authenticator (TOTP, RFC 6238: SHA-1, six digits, 30 s, as all of them speak it) and recovery codes.
 *
 * The plugin of better-auth would bring sessions, cookies and limits of its own; what is left is a secret, sealed under a key of
 * the instance, and the last time step that was taken.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { base32 } from '@better-auth/utils/base32'
import { createOTP } from '@better-auth/utils/otp'
import { RECOVERY_CODES, type RecoveryCodes, type TotpSetup } from '../../../../contract/security.ts'
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import { loadSecrets } from '../../../app/secrets.ts'
import type { Viewer } from '../../../app/http.ts'
import { inTransaction } from '../../../infra/db/index.ts'
import * as queries from './factors.queries.ts'
import { requireProof } from './proof.ts'
import { openSecret, sealSecret } from './sealing.ts'

/** RFC 4226, 4 (R6): at least 128 bits, 160 recommended. */
const SECRET_BYTES = 20
const STEP_S = 30
/** A clock may be off by one step either way (RFC 6238, 5.2). */
const STEPS_OFF = 1
/** Without letters that look like digits. */
const RECOVERY_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'
const RECOVERY_CHARS = 12

/**
 * Makes a secret, good once a code has confirmed it. Called again it makes another.
 *
 * @throws {AppError} proof-needed, invalid-input when there is a confirmed one.
 */
export async function setUpTotp(ctx: Ctx, viewer: Viewer): Promise<TotpSetup> {
  await requireProof(ctx, viewer)
  const secret = ctx.randomBytes(SECRET_BYTES)
  const isSet = await queries.setUpTotp(
    ctx.db,
    viewer.id,
    sealSecret(ctx.secrets, viewer.id, secret),
    ctx.clock.now(),
  )
  if (!isSet)
    throw new AppError('invalid-input', { detail: 'An authenticator is set up already. Remove it first.' })
  const text = base32.encode(secret, { padding: false })
  const issuer = ctx.config.instanceName
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(viewer.handle)}`
  return { secret: text, uri: `otpauth://totp/${label}?secret=${text}&issuer=${encodeURIComponent(issuer)}` }
}

/** Puts the secret in force, and makes the recovery codes. @throws {AppError} proof-needed, wrong-code. */
export async function confirmTotp(ctx: Ctx, viewer: Viewer, code: string): Promise<RecoveryCodes> {
  await requireProof(ctx, viewer)
  if (!(await takeTotpCode(ctx, viewer.id, code, { isConfirming: true }))) throw new AppError('wrong-code')
  return makeRecoveryCodes(ctx, viewer)
}

/** Idempotent; recovery codes go with it. @throws {AppError} proof-needed. */
export async function removeTotp(ctx: Ctx, viewer: Viewer): Promise<void> {
  await requireProof(ctx, viewer)
  await inTransaction(ctx, async (tx) => {
    await queries.deleteTotp(tx, viewer.id, null)
    await queries.replaceRecoveryCodes(tx, viewer.id, [])
  })
}

/** New ones; those from before are void. @throws {AppError} proof-needed, invalid-input without an authenticator. */
export async function makeRecoveryCodes(ctx: Ctx, viewer: Viewer): Promise<RecoveryCodes> {
  await requireProof(ctx, viewer)
  const totp = await queries.findTotp(ctx.db, viewer.id)
  if (!totp?.confirmedAt)
    throw new AppError('invalid-input', {
      detail: 'Recovery codes stand in for an authenticator: set one up.',
    })
  const recoveryCodes = Array.from({ length: RECOVERY_CODES }, () => newRecoveryCode(ctx))
  const hashes = recoveryCodes.map((code) => hashRecoveryCode(viewer.id, code))
  await inTransaction(ctx, (tx) => queries.replaceRecoveryCodes(tx, viewer.id, hashes))
  return { recoveryCodes }
}

/** Whether this is a good code of the account, of either kind. Each is taken once. */
export async function takeFactorCode(ctx: Ctx, accountId: string, code: string): Promise<boolean> {
  const text = code.replaceAll(/[\s-]/g, '').toLowerCase()
  if (/^\d{6}$/.test(text)) return takeTotpCode(ctx, accountId, text, { isConfirming: false })
  if (text.length !== RECOVERY_CHARS) return false
  return queries.useRecoveryCode(ctx.db, accountId, hashRecoveryCode(accountId, text), ctx.clock.now())
}

async function takeTotpCode(
  ctx: Ctx,
  accountId: string,
  code: string,
  { isConfirming }: { readonly isConfirming: boolean },
): Promise<boolean> {
  const totp = await queries.findTotp(ctx.db, accountId)
  if (!totp || (totp.confirmedAt === null) !== isConfirming) return false
  const secret = await unseal(ctx, accountId, totp.secretSealed)
  if (!secret) return false
  const otp = createOTP(secret as never)
  const now = Math.floor(ctx.clock.now().getTime() / 1_000 / STEP_S)
  for (let step = now - STEPS_OFF; step <= now + STEPS_OFF; step++) {
    if (!isSame(await otp.hotp(step), code)) continue
    const confirmedAt = isConfirming ? ctx.clock.now() : null
    return queries.takeTotpStep(ctx.db, { accountId, step, confirmedAt })
  }
  return false
}

/** By the keys that this process has, else by those of now: they may be new since it began. Null: no key opens it. */
async function unseal(ctx: Ctx, accountId: string, sealed: Buffer): Promise<Buffer | null> {
  const opened = openSecret(ctx.secrets, accountId, sealed)
  if (opened) return opened
  const secret = openSecret(await loadSecrets(ctx.config.paths.secrets), accountId, sealed)
  if (!secret) ctx.log.error({ accountId }, 'accounts.second-factor-lost')
  return secret
}

const isSame = (expected: string, given: string) =>
  expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given))

function newRecoveryCode(ctx: Ctx): string {
  // 31 letters: of 248 bytes that are equally likely each has eight.
  const letters: string[] = []
  while (letters.length < RECOVERY_CHARS)
    for (const byte of ctx.randomBytes(RECOVERY_CHARS))
      if (byte < 248 && letters.length < RECOVERY_CHARS) letters.push(RECOVERY_ALPHABET[byte % 31]!)
  return letters.join('').replace(/(.{4})(?=.)/g, '$1-')
}

/** 59 bits by chance: no slow hash is needed. */
const hashRecoveryCode = (accountId: string, code: string) =>
  createHash('sha256')
    .update(`${accountId} ${code.replaceAll('-', '')}`)
    .digest()
