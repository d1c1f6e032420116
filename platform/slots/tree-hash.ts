/** The content of a release as one hash: every source file with its path; what is made from them is left out. */
import { createHash } from 'node:crypto'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Installed, built or local: never part of a release. */
export const NOT_SOURCE: ReadonlySet<string> = new Set([
  'node_modules',
  '.git',
  '.cache',
  '.svelte-kit',
  'build',
  '.issues',
])

const READ_AT_ONCE = 32

/** SHA-256 in hex over paths and contents, in the order of the paths. @throws when a file can't be read */
export async function hashTree(root: string): Promise<string> {
  const paths = (await listFiles(root, '')).toSorted((one, other) => (one.path < other.path ? -1 : 1))
  const sum = createHash('sha256')
  for (let at = 0; at < paths.length; at += READ_AT_ONCE) {
    const batch = paths.slice(at, at + READ_AT_ONCE)
    const contents = await Promise.all(batch.map(({ path, isLink }) => contentOf(join(root, path), isLink)))
    batch.forEach(({ path }, index) => {
      const content = contents[index]!
      sum.update(`${path}\0${content.length}\0`).update(content)
    })
  }
  return sum.digest('hex')
}

interface Found {
  readonly path: string
  readonly isLink: boolean
}

async function listFiles(root: string, folder: string): Promise<Found[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry): Promise<Found[]> => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (NOT_SOURCE.has(entry.name) || entry.name.endsWith('.log')) return []
      if (entry.isDirectory()) return listFiles(root, path)
      return [{ path, isLink: entry.isSymbolicLink() }]
    }),
  )
  return found.flat()
}

const contentOf = async (path: string, isLink: boolean): Promise<Buffer> =>
  isLink ? Buffer.from(await readlink(path)) : readFile(path)
