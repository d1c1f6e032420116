/** A folder of a test's own, gone with its scope. */
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TemporaryDir extends AsyncDisposable {
  readonly path: string
}

/** Makes an empty folder that any user may enter (PostgreSQL does not run as root). */
export async function makeTemporaryDir(): Promise<TemporaryDir> {
  const path = await mkdtemp(join(await realpath(tmpdir()), 'upbeat-test-'))
  await chmod(path, 0o755)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}
