/** How near this process is to the memory at which V8 gives up and ends it. */
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

const MIB = 2 ** 20
const YOUNG_SPACES: ReadonlySet<string> = new Set(['new_space', 'new_large_object_space'])
/** V8 reserves two halves of the young generation, and as much as one of them for its large objects (heap.cc, `MaxReserved`). */
const SEMI_SPACES = 3

/**
 * Of what the old generation may hold, the part that it holds: 0 to 1, and hardly more.
 *
 * V8 ends the process when the old generation is full. The limit that it tells has the young one in it, which is cleared all
 * the time: measured against that, a small heap would end below the highest threshold.
 */
export function readMemoryShare(): number {
  const old = getHeapSpaceStatistics().filter(({ space_name: name }) => !YOUNG_SPACES.has(name))
  const usedBytes = old.reduce((sum, space) => sum + space.space_used_size, 0)
  return usedBytes / (getHeapStatistics().heap_size_limit - youngLimitBytes)
}

/**
 * What the young generation may take, by how the process was started.
 *
 * @returns bytes; 0 where nobody said: then the share is told too low rather than too high
 */
export function youngLimitOf(execArgv: readonly string[]): number {
  const given = execArgv.findLast((arg) => SEMI_SPACE.test(arg))
  return given === undefined ? 0 : SEMI_SPACES * Number(SEMI_SPACE.exec(given)![1]) * MIB
}

const SEMI_SPACE = /^--max[-_]semi[-_]space[-_]size=(\d+)$/
const youngLimitBytes = youngLimitOf(process.execArgv)
