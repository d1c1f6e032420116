/** Names a build after its sources: the same sources give the same name, so servers can compare builds. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Twelve hex digits of the SHA-256 over every source file and the lock file of the packages. */
export function nameOfSources(webFolder: string): string {
  const files = globSync(
    [
      'src/**/*',
      'static/**/*',
      'build-tools/**/*',
      'vite.config.ts',
      '../contract/client.ts',
      '../package-lock.json',
    ],
    {
      cwd: webFolder,
      withFileTypes: true,
    },
  )
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const digest = createHash('sha256')
  for (const file of files)
    digest.update(file.slice(webFolder.length)).update('\0').update(readFileSync(file))
  return digest.digest('hex').slice(0, 12)
}
