/** What a release would do to the schema, against what the running code knows. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findBreaches, type Migration } from './expand-contract.ts'

/** The migrations of a checkout, in their order. */
export async function readMigrations(root: string): Promise<Migration[]> {
  const dir = join(root, 'platform', 'migrations')
  const names = (await readdir(dir)).filter((name) => name.endsWith('.sql')).toSorted()
  return Promise.all(
    names.map(async (file) => ({
      name: file.replace(/\.sql$/, ''),
      sql: await readFile(join(dir, file), 'utf8'),
    })),
  )
}

export interface MigrationPlan {
  /** Names of those that the running code does not have. */
  readonly added: readonly string[]
  /** Why it may not be released; empty: it may. */
  readonly objections: readonly string[]
}

/** Compares the migrations of two checkouts. */
export async function planMigrations(presentRoot: string, candidateRoot: string): Promise<MigrationPlan> {
  const [present, candidate] = await Promise.all([readMigrations(presentRoot), readMigrations(candidateRoot)])
  const known = new Map(present.map(({ name, sql }) => [name, sql]))
  const added = candidate.filter(({ name }) => !known.has(name))
  const changed = candidate.filter(({ name, sql }) => known.has(name) && known.get(name) !== sql)
  const last = present.at(-1)?.name ?? ''
  const breaches = await findBreaches(added, { knownToOldCode: new Set(known.keys()) })
  return {
    added: added.map(({ name }) => name),
    objections: [
      ...changed.map(
        ({ name }) => `${name} is not what it was, and may have been applied already: write a new one.`,
      ),
      ...added
        .filter(({ name }) => name < last)
        .map(({ name }) => `${name} comes before ${last}, which is applied: give it a later number.`),
      ...breaches.map(({ migration, why }) => `${migration}: ${why}`),
    ],
  }
}
