/** What guards an account: second factors, passkeys, sign-ins that its owner may deny, fresh proof of who sits there. */
import { z } from 'zod'
import { Id, Instant } from './common.ts'
import { Password, PASSWORD_MAX_LENGTH } from './accounts.ts'

export const PASSKEY_NAME_MAX_LENGTH = 60
export const PASSKEYS_MAX = 20
export const RECOVERY_CODES = 10

/** Six digits of an authenticator, eight of a mail, or a recovery code such as `k3v9-x2mq-7tda`. */
export const Code = z.string().trim().min(6).max(20)

export const Confirmation = z.object({
  /** Told in the facts of `confirmation-needed`. */
  confirmation: z.string().min(20).max(100),
  code: Code,
})
export type Confirmation = z.infer<typeof Confirmation>

/** As the browser's `PublicKeyCredential.toJSON()` gives it (WebAuthn level 3, 5.1); looked into by the server's library. */
const CredentialJson = z.looseObject({
  id: z.string().min(1).max(1_400),
  rawId: z.string().max(1_400),
  type: z.literal('public-key'),
  response: z.record(z.string(), z.unknown()),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
})

/** What `PublicKeyCredential.parse…OptionsFromJSON` reads. */
export const PasskeyOptions = z.object({ options: z.record(z.string(), z.unknown()) })
export type PasskeyOptions = z.infer<typeof PasskeyOptions>

export const PasskeyAnswer = z.object({ credential: CredentialJson })
export type PasskeyAnswer = z.infer<typeof PasskeyAnswer>

export const NewPasskey = PasskeyAnswer.extend({
  name: z.string().trim().min(1).max(PASSKEY_NAME_MAX_LENGTH),
})
export type NewPasskey = z.infer<typeof NewPasskey>

/** Fresh proof that the owner sits there: one of the three. */
export const Proof = z.union([
  z.object({ password: z.string().min(1).max(PASSWORD_MAX_LENGTH) }),
  z.object({ code: Code }),
  PasskeyAnswer,
])
export type Proof = z.infer<typeof Proof>

export const TotpSetup = z.object({
  /** Base32, to be typed by hand. */
  secret: z.string(),
  /** `otpauth://…`, to be drawn as a QR code. */
  uri: z.string(),
})
export type TotpSetup = z.infer<typeof TotpSetup>

export const TotpCode = z.object({ code: Code })
export type TotpCode = z.infer<typeof TotpCode>

/** Shown once. */
export const RecoveryCodes = z.object({ recoveryCodes: z.array(z.string()) })
export type RecoveryCodes = z.infer<typeof RecoveryCodes>

export const EmailChange = z.object({ email: z.email().max(254) })
export type EmailChange = z.infer<typeof EmailChange>

export const Passkey = z.object({
  id: z.string(),
  name: z.string(),
  createdAt: Instant,
  usedAt: Instant.nullable(),
  /** It is synchronised, and outlives the device. */
  isBackedUp: z.boolean(),
})
export type Passkey = z.infer<typeof Passkey>

/** A sign-in from a place that the account had not been at. */
export const SignInNotice = z.object({
  id: Id,
  device: z.string(),
  address: z.string(),
  createdAt: Instant,
  deniedAt: Instant.nullable(),
})
export type SignInNotice = z.infer<typeof SignInNotice>

export const Security = z.object({
  hasTotp: z.boolean(),
  recoveryCodesLeft: z.int(),
  passkeys: z.array(Passkey),
  /** Whether codes and notices reach the account's address. */
  canMail: z.boolean(),
  /** Since when the password counts as known to others; null: it does not. */
  passwordAlarmAt: Instant.nullable(),
  /** Until when what is guarded may be changed without another proof; null: not now. */
  provenUntil: Instant.nullable(),
  notices: z.array(SignInNotice),
})
export type Security = z.infer<typeof Security>

export const DenyByMail = z.object({ token: z.string().max(300) })
/** Lets the owner choose a new password without the old one, once and soon. */
export const PasswordReset = z.object({ resetToken: z.string().max(300) })
export type PasswordReset = z.infer<typeof PasswordReset>
export const NewPassword = z.object({ resetToken: z.string().max(300), newPassword: Password })
export type NewPassword = z.infer<typeof NewPassword>
