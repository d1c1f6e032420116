/** What is on the disk, read by a connection of its own, held against what was acknowledged. */
import { readFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'

export interface Kept {
  readonly rows: number
  /** People who were told that they count and are not on the disk. */
  readonly lost: number
}

/** @param takenFile numbers of people, as 32-bit integers */
export async function readKept(storePath: string, takenFile: string): Promise<Kept> {
  const bytes = await readFile(takenFile)
  const taken = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
  const db = new DatabaseSync(storePath, { readOnly: true, timeout: 10_000 })
  try {
    const kept = new Set<number>()
    let rows = 0
    for (const row of db.prepare('select diagnosis from report').iterate()) {
      rows++
      kept.add(Number(String(row['diagnosis']).replace('person ', '')))
    }
    return { rows, lost: taken.reduce((lost, person) => lost + (kept.has(person) ? 0 : 1), 0) }
  } finally {
    db.close()
  }
}
