/** What drills have found last, kept in a file for the operator's page. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DrillResults } from '../../contract/operations.ts'
import { writeWhole } from '../../kit/files/durable-file.ts'

export type DrillResult = DrillResults['drills'][number]

const FILE = 'drills.json'

/** Puts the result in the place of the same drill's last one. */
export async function recordResult(dir: string, result: DrillResult): Promise<void> {
  const others = (await readLast(dir)).filter(({ name }) => name !== result.name)
  const drills = [...others, result].toSorted((a, b) => a.name.localeCompare(b.name))
  const count = (wanted: string) =>
    drills.reduce((sum, { promises }) => sum + promises.filter(({ state }) => state === wanted).length, 0)
  const results: DrillResults = {
    endedAt: result.endedAt,
    durationS: drills.reduce((sum, { durationS }) => sum + durationS, 0),
    passed: count('kept'),
    failed: count('broken'),
    skipped: count('skipped'),
    drills,
  }
  await writeWhole(join(dir, FILE), `${JSON.stringify(results, null, 2)}\n`)
}

/** Nothing yet, or a file that nobody can read any more: none. */
async function readLast(dir: string): Promise<DrillResult[]> {
  const text = await readFile(join(dir, FILE), 'utf8').catch(() => 'null')
  try {
    return DrillResults.parse(JSON.parse(text)).drills
  } catch {
    return []
  }
}
