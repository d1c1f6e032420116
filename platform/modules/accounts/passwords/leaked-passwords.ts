/**
 * New passwords are compared with those that leaked: in the operator's filter file, and with a service that is asked by
 * k-anonymity. Where neither can be asked, the password is taken: nobody is kept out by somebody else's trouble.
 */
import { createHash } from 'node:crypto'
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import { createBreachRange } from './breach-range.ts'
import { openPasswordFilter } from './password-filter.ts'
import { refuseWeakPassword } from './weak-passwords.ts'

export interface BreachCheck {
  /** Whether it is known to have leaked; false also where nobody could tell. */
  hasLeaked(password: string): Promise<boolean>
}

/** Of this process. The filter is read anew when the operator imports another. */
export function createBreachCheck(ctx: Pick<Ctx, 'config' | 'log'>): BreachCheck {
  const { passwordRangeUrl, paths } = ctx.config
  const range = passwordRangeUrl === null ? null : createBreachRange({ url: passwordRangeUrl, log: ctx.log })
  const filter = openPasswordFilter(paths.breachedPasswords, ctx.log)
  return {
    async hasLeaked(password) {
      // The lists that exist are of SHA-1 (haveibeenpwned.com/API/v3#PwnedPasswords): nothing is protected by it here.
      const sha1 = createHash('sha1').update(password).digest()
      return (await filter.mayHave(sha1)) || (await range?.has(sha1)) === true
    },
  }
}

/** Refuses what is guessed first and what has leaked. @throws {AppError} invalid-input, naming the field */
export async function refuseLeakedPassword(
  breaches: BreachCheck,
  input: { readonly password: string; readonly handle: string; readonly field: 'password' | 'newPassword' },
): Promise<void> {
  refuseWeakPassword(input)
  if (!(await breaches.hasLeaked(input.password))) return
  const why =
    'This password is in a list of passwords that leaked from other services. Choose another, three unrelated words for example.'
  throw new AppError('invalid-input', { detail: why, fields: { [input.field]: why } })
}
