/** Whether a handle, a password or an e-mail address can be one, while it is typed: the rules of the contract. */
import {
  HANDLE_MAX_LENGTH,
  HANDLE_MIN_LENGTH,
  PASSWORD_MAX_LENGTH,
  PASSWORD_MIN_LENGTH,
} from '#lib/api/limits.ts'
import { t } from './texts.ts'

const HANDLE = /^[a-zA-Z0-9](?:[a-zA-Z0-9_.]*[a-zA-Z0-9])?$/
/** Only what is surely no address: the server judges the rest. */
const EMAIL = /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/
const EMAIL_MAX_LENGTH = 254

/** What is wrong with a handle, in a sentence; null when it can be one. */
export function checkHandle(handle: string): string | null {
  if (handle.length > HANDLE_MAX_LENGTH) return t('signUp.handleLong', { max: HANDLE_MAX_LENGTH })
  if (handle.length > 0 && !HANDLE.test(handle) && !/^[a-zA-Z0-9][a-zA-Z0-9_.]*$/.test(handle))
    return t('signUp.handleForm')
  if (handle.length < HANDLE_MIN_LENGTH)
    return t('signUp.handleShort', { n: HANDLE_MIN_LENGTH - handle.length })
  return HANDLE.test(handle) ? null : t('signUp.handleForm')
}

export function checkPassword(password: string): string | null {
  if (password.length > PASSWORD_MAX_LENGTH) return t('signUp.passwordLong', { max: PASSWORD_MAX_LENGTH })
  const missing = PASSWORD_MIN_LENGTH - password.length
  return missing > 0 ? t('signUp.passwordShort', { n: missing }) : null
}

/** An empty address is fine: it is optional. */
export function checkEmail(email: string): string | null {
  const address = email.trim()
  return address === '' || (address.length <= EMAIL_MAX_LENGTH && EMAIL.test(address))
    ? null
    : t('signUp.emailForm')
}
