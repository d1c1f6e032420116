/** The folder of one instance. */
import { chmod, mkdir, stat } from 'node:fs/promises'

/** Makes it when it is missing. */
export async function makeDataDir(dataDir: string): Promise<void> {
  const exists = await stat(dataDir).then(
    () => true,
    () => false,
  )
  await mkdir(dataDir, { recursive: true })
  // Others may pass through (PostgreSQL's user must), not look around; an existing folder keeps what its owner chose.
  if (!exists) await chmod(dataDir, 0o711)
}
