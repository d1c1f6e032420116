/** The calls of the API on what guards an account. */
import { request } from '#lib/api/client.ts'
import type {
  Me,
  NewPasskey,
  PasskeyAnswer,
  PasskeyOptions,
  PasswordReset,
  Proof,
  RecoveryCodes,
  Security,
  SignIn,
  TotpSetup,
} from '#lib/api/types.ts'

const at = encodeURIComponent
const post = <T>(path: string, body?: unknown) => request<T>(path, { method: 'POST', body })

export const signIn = (body: SignIn) => post<Me>('/sessions', body)
export const confirmSignIn = (confirmation: string, code: string) =>
  post<Me>('/sessions/confirmations', { confirmation, code })
export const beginPasskeySignIn = () => post<PasskeyOptions>('/sessions/passkey-options')
export const signInByPasskey = (answer: PasskeyAnswer) => post<Me>('/sessions/passkey', answer)

export const readSecurity = () => request<Security>('/me/security')
export const beginPasskeyProof = () => post<PasskeyOptions>('/me/proof/passkey-options')
export const prove = (proof: Proof) => post<void>('/me/proof', proof)
export const setUpTotp = () => post<TotpSetup>('/me/totp')
export const confirmTotp = (code: string) =>
  request<RecoveryCodes>('/me/totp', { method: 'PUT', body: { code } })
export const removeTotp = () => request<void>('/me/totp', { method: 'DELETE' })
export const makeRecoveryCodes = () => post<RecoveryCodes>('/me/recovery-codes')
export const beginPasskey = () => post<PasskeyOptions>('/me/passkeys/options')
export const addPasskey = (passkey: NewPasskey) => post<void>('/me/passkeys', passkey)
export const removePasskey = (id: string) => request<void>(`/me/passkeys/${at(id)}`, { method: 'DELETE' })
export const changeEmail = (email: string) => request<Me>('/me/email', { method: 'PUT', body: { email } })

export const denySignIn = (id: string) => post<PasswordReset>(`/me/sign-ins/${at(id)}/denial`)
export const denyByMail = (token: string) => post<PasswordReset>('/sign-in-denials', { token })
export const resetPassword = (resetToken: string, newPassword: string) =>
  post<void>('/password-resets', { resetToken, newPassword })
