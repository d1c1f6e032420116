/** The instance's own secrets: made once, kept in the data folder, readable by their owner only. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'

const Secrets = z.object({
  session: z.string().min(32),
  media: z.string().min(32),
  cursor: z.string().min(32),
})
export type Secrets = z.infer<typeof Secrets>

/** Reads the secrets, making them on the first call. Safe when several processes start at once. */
export async function loadSecrets(path: string): Promise<Secrets> {
  const existing = await read(path)
  if (existing) return existing
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(JSON.stringify({ session: secret(), media: secret(), cursor: secret() }))
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
