/** What drills have found last, kept in a file for the operator's page. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from '../../kit/durable-file.ts'

export interface DrillResult {
  readonly name: string
  /** When it ended, ISO 8601. */
  readonly at: string
  readonly tookS: number
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** One a promise, as it was printed. */
  readonly lines: readonly string[]
}

export interface DrillRecord {
  readonly version: 1
  /** The last result of each drill, by name. */
  readonly drills: readonly DrillResult[]
}

const fileIn = (dir: string) => join(dir, 'drills.json')

/** Puts the result in the place of the same drill's last one. */
export async function recordResult(dir: string, result: DrillResult): Promise<void> {
  const others = (await readRecord(dir)).drills.filter(({ name }) => name !== result.name)
  const drills = [...others, result].toSorted((a, b) => a.name.localeCompare(b.name))
  await writeWhole(fileIn(dir), `${JSON.stringify({ version: 1, drills } satisfies DrillRecord, null, 2)}\n`)
}

/** Nothing yet, or a file that nobody can read any more: no drills. */
async function readRecord(dir: string): Promise<DrillRecord> {
  const text = await readFile(fileIn(dir), 'utf8').catch(() => '')
  try {
    const record = JSON.parse(text) as DrillRecord
    return Array.isArray(record.drills) ? record : { version: 1, drills: [] }
  } catch {
    return { version: 1, drills: [] }
  }
}
