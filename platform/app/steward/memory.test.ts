import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { youngLimitOf } from './memory.ts'

const run = promisify(execFile)
const MODULE = join(import.meta.dirname, 'memory.ts')
const HEAP_MIB = 80
const FILLED_MIB = 56

test('of a heap of 80 MiB, 56 MiB that live on are seven tenths, however large its young generation', async () => {
  const fill = `
    const { readMemoryShare } = await import(${JSON.stringify(MODULE)})
    const kept = []
    const before = readMemoryShare()
    for (let at = 0; at < ${FILLED_MIB}; at++) kept.push(new Array(131_072).fill(at + 0.5))
    gc()
    console.log(JSON.stringify([before, readMemoryShare(), kept.length]))`
  for (const semiSpaceMib of [2, 16]) {
    const { stdout } = await run(process.execPath, [
      '--expose-gc',
      `--max-old-space-size=${HEAP_MIB}`,
      `--max-semi-space-size=${semiSpaceMib}`,
      '--input-type=module',
      '--eval',
      fill,
    ])
    const [before, after] = JSON.parse(stdout) as [number, number]
    expect(after - before).toBeCloseTo(FILLED_MIB / HEAP_MIB, 1)
  }
})

test('what the young generation may take is said by how a process was started, the last time that it is said', () => {
  expect(youngLimitOf([])).toBe(0)
  expect(youngLimitOf(['--max-old-space-size=96', '--max-semi-space-size=16'])).toBe(48 * 2 ** 20)
  expect(youngLimitOf(['--max_semi_space_size=16', '--max-semi-space-size=2'])).toBe(6 * 2 ** 20)
})
