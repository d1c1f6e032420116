/** The instance's own secrets: made once, kept in the data folder, readable by their owner only. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { syncFolder, writeWhole } from '../../kit/files/durable-file.ts'

const Key = z.string().min(32)
const Secrets = z
  .object({
    /** Signs cookies, links in mails and what else speaks for a person. */
    session: Key,
    /** Signs the addresses of media that not everyone may see. */
    media: Key,
    /** Seals the cursors of feeds. */
    cursor: Key,
    /** Seals what has to be read again: second factors in the database, documents that are in force. */
    vault: Key.optional(),
    /** The one before it, since the last rotation: it only opens what was sealed while that went on. */
    vaultBefore: Key.optional(),
  })
  // Before it had a key of its own, the session's sealed it.
  .transform((kept) => ({ ...kept, vault: kept.vault ?? kept.session }))
export type Secrets = z.output<typeof Secrets>

/** The vault's, the present one first: only that seals. */
export const vaultKeysOf = ({ vault, vaultBefore }: Secrets): readonly string[] =>
  vaultBefore === undefined ? [vault] : [vault, vaultBefore]

/** Those that can be made anew at any moment: what they signed is worth nothing then, and nothing else is lost. */
export const ROTATED_SECRETS = ['session', 'media', 'cursor'] as const

/** Reads the secrets, making them on the first call. Safe when several processes start at once. */
export async function loadSecrets(path: string): Promise<Secrets> {
  const existing = await read(path)
  if (existing) return existing
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify(makeSecrets()))
    await file.sync()
  } finally {
    await file.close()
  }
  // `link` fails when another process was first: its secrets win, ours are dropped.
  await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(temporary)
  const made = await read(path)
  if (!made) throw new Error(`${path} could not be written.`)
  return made
}

const secret = () => randomBytes(32).toString('base64url')

const makeSecrets = (): Secrets => ({
  session: secret(),
  media: secret(),
  cursor: secret(),
  vault: secret(),
})

/**
 * Makes all secrets anew but the vault's, under which lies what has to be read again (`rotateVault`). Processes that run have
 * the old ones until they are restarted.
 *
 * @throws when there are none, or they can't be written; then the old ones stand.
 */
export async function rotateSecrets(path: string): Promise<void> {
  const { vault, vaultBefore } = await readThere(path)
  await replace(path, { ...makeSecrets(), vault, vaultBefore })
}

/**
 * Makes the vault's key anew, and keeps the one before it. What lies under that one has to be sealed again; whatever lies
 * under one that is older still is lost, so that has to be done before each call.
 *
 * @throws when there are no secrets, or they can't be written; then the old ones stand.
 */
export async function rotateVault(path: string): Promise<Secrets> {
  const kept = await readThere(path)
  const made = { ...kept, vault: secret(), vaultBefore: kept.vault }
  await replace(path, made)
  return made
}

async function readThere(path: string): Promise<Secrets> {
  const kept = await read(path)
  if (!kept) throw new Error(`${path} is not there: there is nothing to rotate.`)
  return kept
}

async function replace(path: string, secrets: Secrets): Promise<void> {
  await writeWhole(path, JSON.stringify(secrets))
  await syncFolder(dirname(path))
}

async function read(path: string): Promise<Secrets | null> {
  try {
    return Secrets.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new Error(
      `${path} can't be read as secrets. Restore it from a backup; without it everyone is signed out.`,
      {
        cause: error,
      },
    )
  }
}
