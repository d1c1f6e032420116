/** Makes a release of a directory or of a git reference: its files in the data folder, its packages, its built web app. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { basename, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { shelveAssets } from './asset-shelf.ts'
import { slotsDirOf, type Slot } from './store.ts'
import { hashTree, NOT_SOURCE } from './tree-hash.ts'

const execute = promisify(execFile)
const SET_UP_TIMEOUT_MS = 20 * 60_000
const GIT_TIMEOUT_MS = 60_000
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024

/** It can't be made a release of; the message says why and what to do. */
export class UnfitReleaseError extends Error {}

export interface PrepareOptions {
  /** A directory, or else a reference of the git repository at `root`. */
  readonly source: string
  /** The checkout whose packages and web build are used where they fit. */
  readonly root: string
  readonly dataDir: string
  readonly tell: (step: string) => void
}

/**
 * Makes it ready to run. Idempotent: the same sources are made ready once.
 *
 * @throws {UnfitReleaseError}
 */
export async function prepareSlot(options: PrepareOptions): Promise<Slot> {
  const { dataDir, tell } = options
  const slots = slotsDirOf(dataDir)
  await mkdir(slots, { recursive: true, mode: 0o700 })
  const staging = join(slots, `${randomUUID()}.staging`)
  try {
    const label = await fetchInto(staging, options)
    if (!existsSync(join(staging, 'platform', 'main.ts')))
      throw new UnfitReleaseError(`${options.source} is no Upbeat: it has no platform/main.ts.`)
    const hash = await hashTree(staging)
    const dir = join(slots, hash.slice(0, 16))
    if (!existsSync(dir)) {
      tell('packages and web app')
      await borrow(staging, options)
      await setUp(staging)
      await rename(staging, dir)
    }
    // Before anybody gets its pages: the old code is asked for parts of them, too.
    await shelveAssets(dataDir, join(dir, 'web', 'build'), new Date())
    return { hash, label, dir }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** @returns how a person may know it again */
async function fetchInto(staging: string, { source, root, tell }: PrepareOptions): Promise<string> {
  const isDirectory = await stat(source).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (isDirectory) {
    const from = resolve(source)
    tell(`files of ${from}`)
    await cp(from, staging, { recursive: true, filter: (path) => isWanted(relative(from, path)) })
    return from
  }
  const commit = await git(root, ['rev-parse', '--verify', '--quiet', `${source}^{commit}`]).catch(() => null)
  if (commit === null)
    throw new UnfitReleaseError(
      `"${source}" is neither a directory nor a reference of the git repository at ${root}.`,
    )
  tell(`files of ${commit.slice(0, 12)}`)
  await mkdir(staging, { mode: 0o700 })
  const archive = `${staging}.tar`
  try {
    await git(root, ['archive', '--format=tar', `--output=${archive}`, commit])
    await execute('tar', ['-x', '-f', archive, '-C', staging], { timeout: GIT_TIMEOUT_MS })
  } finally {
    await rm(archive, { force: true })
  }
  return `${source} (${commit.slice(0, 12)})`
}

/** What is built comes along: whether it still fits is looked at afterwards. */
const BUILT = new Set(['web/build', '.cache', '.cache/web-build.sha256'])

function isWanted(path: string): boolean {
  if (path === '' || BUILT.has(path) || path.startsWith('web/build/')) return true
  return !NOT_SOURCE.has(basename(path)) && !path.startsWith('.cache/')
}

const git = async (root: string, args: readonly string[]): Promise<string> =>
  (await execute('git', ['-C', root, ...args], { timeout: GIT_TIMEOUT_MS })).stdout.trim()

/** Packages by hard links, so that those of the checkout may change later on; and the web build. */
async function borrow(staging: string, { source, root }: PrepareOptions): Promise<void> {
  for (const lender of [resolve(source), root]) {
    const packages = join(lender, 'node_modules')
    if (!existsSync(packages) || !(await isSameFile('package-lock.json', lender, staging))) continue
    await execute('cp', ['-al', '--', packages, join(staging, 'node_modules')]).catch(async () => {
      await rm(join(staging, 'node_modules'), { recursive: true, force: true })
      // On another file system.
      await symlink(packages, join(staging, 'node_modules'))
    })
    break
  }
  if (existsSync(join(staging, 'web', 'build')) || !existsSync(join(root, 'web', 'build'))) return
  await cp(join(root, 'web', 'build'), join(staging, 'web', 'build'), { recursive: true })
  await mkdir(join(staging, '.cache'), { recursive: true })
  await cp(join(root, '.cache', 'web-build.sha256'), join(staging, '.cache', 'web-build.sha256')).catch(
    () => {},
  )
}

async function isSameFile(name: string, one: string, other: string): Promise<boolean> {
  const read = (dir: string) => readFile(join(dir, name)).catch(() => null)
  const [first, second] = await Promise.all([read(one), read(other)])
  return first !== null && second !== null && first.equals(second)
}

/** Does what is still missing: `scripts/set-up.mjs` looks at packages and the web build by itself. */
async function setUp(staging: string): Promise<void> {
  try {
    await execute(process.execPath, [join(staging, 'scripts', 'set-up.mjs'), 'run'], {
      cwd: staging,
      timeout: SET_UP_TIMEOUT_MS,
      maxBuffer: OUTPUT_MAX_BYTES,
    })
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    const words = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).join('\n')
    throw new UnfitReleaseError(`It could not be set up:\n${words || (error as Error).message}`, {
      cause: error,
    })
  }
}
