import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { decideOnDemo, startDemo } from './demo.ts'
import { openOutput } from './output.ts'

/** It is heard after it is told. */
const COMPLETE = 'is complete'

/** Runs a demo by this program until it tells so; answers what happened, in order. */
async function runDemo(dir: string, demo: { program: string; until: string }): Promise<string[]> {
  const program = join(dir, 'demo.mjs')
  await writeFile(program, demo.program)
  await decideOnDemo(dir, true)
  const told: string[] = []
  using output = openOutput({ dataDir: dir, level: 'silent', isForPerson: true, toStandardError: () => {} })
  const ended = Promise.withResolvers<void>()
  const tell = (line: string) => {
    told.push(line)
    if (line.includes(demo.until) && demo.until !== COMPLETE) ended.resolve()
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
    againAfterMs: 1,
  })
  await ended.promise
  return told
}

test('who waits for the end of a demo hears of it after the person was told', async () => {
  await using dir = await makeTemporaryDir()
  const told = await runDemo(dir.path, { program: 'process.exit(0)', until: COMPLETE })
  expect(told.slice(-2)).toEqual(['The demo is complete.', '(the end is heard)'])
  expect(await readFile(join(dir.path, 'demo.state'), 'utf8')).toBe('done')
})

test('a demo that fails once, as in an overload, is gone on with by itself', async () => {
  await using dir = await makeTemporaryDir()
  const told = await runDemo(dir.path, {
    program: `import { existsSync, writeFileSync } from 'node:fs'
      const isFirst = !existsSync('${dir.path}/tried')
      writeFileSync('${dir.path}/tried', '')
      process.exit(isFirst ? 1 : 0)`,
    until: COMPLETE,
  })
  expect(told.slice(-3)).toEqual([
    expect.stringMatching(/^The demo could not be completed yet/),
    'The demo is complete.',
    '(the end is heard)',
  ])
  expect(await readFile(join(dir.path, 'demo.state'), 'utf8')).toBe('done')
})

test('a demo that fails is told, and is gone on with at the next start', async () => {
  await using dir = await makeTemporaryDir()
  const told = await runDemo(dir.path, { program: 'process.exit(1)', until: 'could not' })
  expect(told.at(-1)).toMatch(/^The demo could not be completed/)
  expect(await readFile(join(dir.path, 'demo.state'), 'utf8')).toBe('pending')
})
