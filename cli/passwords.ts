/** `upbeat passwords import FILE`: what new passwords are compared with, without asking anybody. */
import { createHash } from 'node:crypto'
import { FALSE_POSITIVE_RATE, importPasswords } from '../platform/modules/accounts/index.ts'
import { UsageError, type Command } from './arguments.ts'
import { settingsOf } from './settings.ts'

/** Imports a list of SHA-1 hashes, or of passwords (a name that ends with `.plain.txt`). */
export const managePasswords: Command = async (given) => {
  const [verb, from] = given.operands
  if (verb !== 'import' || from === undefined) throw new UsageError('upbeat passwords import FILE')
  const imported = await importPasswords({
    from,
    to: settingsOf(given).paths.breachedPasswords,
    isPlain: from.endsWith('.plain.txt'),
    hash: (password) => createHash('sha1').update(password).digest(),
  })
  const { entries, skippedLines, sizeBytes } = imported
  console.log(
    given.isJson
      ? JSON.stringify({ ...imported, falsePositiveRate: FALSE_POSITIVE_RATE })
      : `${entries} passwords are refused from now on (${Math.ceil(sizeBytes / 1024)} KiB; by mistake at most ` +
          `${FALSE_POSITIVE_RATE * 1_000} in 1,000 others).${skippedLines > 0 ? ` ${skippedLines} lines were no SHA-1.` : ''}`,
  )
  return 0
}
