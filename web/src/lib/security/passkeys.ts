/** Passkeys in this browser. The library turns bytes to text and back, and names the browser's refusals. */
import {
  browserSupportsWebAuthn,
  startAuthentication,
  startRegistration,
  WebAuthnError,
} from '@simplewebauthn/browser'
import { localProblem, problemOf } from '#lib/api/problem.ts'
import type { NewPasskey, PasskeyAnswer, PasskeyOptions, Problem } from '#lib/api/types.ts'
import { t } from './texts.ts'

/** Browsers have passkeys under HTTPS and on localhost only. */
export const canUsePasskeys = (): boolean => browserSupportsWebAuthn()

/** Asks the person; @throws when they decline */
export async function createPasskey({ options }: PasskeyOptions): Promise<NewPasskey['credential']> {
  return (await startRegistration({ optionsJSON: options as never })) as never
}

/** Asks the person; @throws when they decline */
export async function answerByPasskey({ options }: PasskeyOptions): Promise<PasskeyAnswer> {
  return { credential: (await startAuthentication({ optionsJSON: options as never })) as never }
}

/** What went wrong, in words; null: the person has changed their mind. */
export function passkeyProblem(error: unknown): Problem | null {
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError' || name === 'AbortError') return null
  if (!(error instanceof WebAuthnError) && !(error instanceof DOMException)) return problemOf(error)
  const isThere = name === 'InvalidStateError'
  return localProblem({
    code: 'passkey-unusable',
    side: 'you',
    title: t('passkey.unusable'),
    detail: isThere ? t('passkey.there') : error.message,
    next: t(isThere ? 'passkey.thereNext' : 'passkey.unusableNext'),
  })
}
