/** The key of encrypted backups: 32 random bytes in a file that nobody but its owner may read. */
import { createHmac, randomBytes } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { SEAL_KEY_BYTES } from '../../../../kit/files/sealed-stream.ts'
import { AppError } from '../../../app/errors.ts'

export interface BackupKey {
  readonly bytes: Buffer
  /** Tells keys apart without telling anything of them. */
  readonly id: string
}

/**
 * Makes a new key.
 *
 * @throws {AppError} backup-key-unusable when the file is there already: a key is never overwritten.
 */
export async function makeKeyFile(path: string): Promise<BackupKey> {
  const bytes = randomBytes(SEAL_KEY_BYTES)
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause
    throw new AppError('backup-key-unusable', {
      detail: `${path} is there already, and a key is never overwritten.`,
      cause,
    })
  })
  try {
    await file.writeFile(`${bytes.toString('base64')}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  return toKey(bytes)
}

/** @throws {AppError} backup-key-unusable when it is missing, no key, or for others to read, too. */
export async function readKeyFile(path: string): Promise<BackupKey> {
  const refuse = (why: string, cause?: unknown) =>
    new AppError('backup-key-unusable', { detail: `${path} ${why}`, cause })
  const file = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw refuse(`can't be opened (${cause.code}).`, cause)
  })
  try {
    if (((await stat(path)).mode & 0o077) !== 0)
      throw refuse(`may be read by others on this machine. Let only its owner: chmod 600 ${path}`)
    const text = (await file.readFile('utf8')).trim()
    const bytes = Buffer.from(text, 'base64')
    if (bytes.length !== SEAL_KEY_BYTES || bytes.toString('base64') !== text)
      throw refuse('holds no key: 32 bytes in base64 were expected. Make one by: upbeat key FILE')
    return toKey(bytes)
  } finally {
    await file.close()
  }
}

const toKey = (bytes: Buffer): BackupKey => ({
  bytes,
  id: createHmac('sha256', bytes).update('upbeat backup key id').digest('hex').slice(0, 16),
})
