import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { decideOnDemo, startDemo } from './demo.ts'
import { openOutput } from './output.ts'

/** Runs a demo whose program ends with this code; answers what happened, in order. */
async function runDemoThatEnds(dir: string, code: number): Promise<string[]> {
  const program = join(dir, 'demo.mjs')
  await writeFile(program, `process.exit(${code})`)
  await decideOnDemo(dir, true)
  const told: string[] = []
  using output = openOutput({ dataDir: dir, level: 'silent', isForPerson: true, toStandardError: () => {} })
  const ended = Promise.withResolvers<void>()
  const tell = (line: string) => {
    told.push(line)
    if (line.includes('could not')) ended.resolve()
  }
  const onComplete = () => {
    told.push('(the end is heard)')
    ended.resolve()
  }
  await using _demo = await startDemo({
    dataDir: dir,
    program,
    host: '127.0.0.1',
    port: 1,
    output: { ...output, tell },
    onComplete,
  })
  await ended.promise
  return told
}

test('who waits for the end of a demo hears of it after the person was told', async () => {
  await using dir = await makeTemporaryDir()
  const told = await runDemoThatEnds(dir.path, 0)
  expect(told.slice(-2)).toEqual(['The demo is complete.', '(the end is heard)'])
  expect(await readFile(join(dir.path, 'demo.state'), 'utf8')).toBe('done')
})

test('a demo that fails is told, and is gone on with at the next start', async () => {
  await using dir = await makeTemporaryDir()
  const told = await runDemoThatEnds(dir.path, 1)
  expect(told.at(-1)).toMatch(/^The demo could not be completed/)
  expect(await readFile(join(dir.path, 'demo.state'), 'utf8')).toBe('pending')
})
