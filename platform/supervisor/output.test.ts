import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { openOutput } from './output.ts'

const line = (level: number, fields: object) => JSON.stringify({ level, time: 1, role: 'api', ...fields })

test('a person sees warnings and errors in words, and the whole log lies in the data folder as JSON lines', async () => {
  await using dir = await makeTemporaryDir()
  let seen = ''
  using output = openOutput({
    dataDir: dir.path,
    level: 'info',
    isForPerson: true,
    toStandardError: (text) => (seen += text),
  })

  output.passOn('api', line(30, { msg: 'ready' }))
  output.passOn('api', line(40, { msg: 'counters.late', err: { message: 'timeout' } }))
  output.passOn('api', line(50, { msg: 'unexpected error' }))
  output.passOn('worker', 'Segmentation fault')
  output.log.warn('disk.nearly-full')

  expect(seen.split('\n')).toEqual([
    '  Warning (api): counters.late: timeout',
    '  Error (api): unexpected error',
    '  Warning (worker): Segmentation fault',
    '  Warning (supervisor): disk.nearly-full',
    '',
  ])
  const kept = (await readFile(output.logFile!, 'utf8')).trimEnd().split('\n')
  expect(kept.map((text) => JSON.parse(text).msg)).toEqual([
    'ready',
    'counters.late',
    'unexpected error',
    'Segmentation fault',
    'disk.nearly-full',
  ])
})

test('the same warning is told a person once, and kept each time', async () => {
  await using dir = await makeTemporaryDir()
  let seen = ''
  using output = openOutput({
    dataDir: dir.path,
    level: 'info',
    isForPerson: true,
    toStandardError: (text) => (seen += text),
  })
  for (let time = 0; time < 5; time++) output.passOn('api', line(40, { time, msg: 'again' }))
  expect(seen).toBe('  Warning (api): again\n')
  expect((await readFile(output.logFile!, 'utf8')).trimEnd().split('\n')).toHaveLength(5)
})

test('for a service manager everything is a JSON line on standard error', async () => {
  await using dir = await makeTemporaryDir()
  let seen = ''
  using output = openOutput({
    dataDir: dir.path,
    level: 'info',
    isForPerson: false,
    toStandardError: (text) => (seen += text),
  })
  output.passOn('api', line(30, { msg: 'ready' }))
  output.passOn('worker', 'not JSON')
  output.log.info('started')
  expect(output.logFile).toBeNull()
  expect(
    seen
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).msg),
  ).toEqual(['ready', 'not JSON', 'started'])
})

test('a log that finds no place for its next file loses lines, and ends nothing', async () => {
  await using dir = await makeTemporaryDir()
  using output = openOutput({ dataDir: dir.path, level: 'info', isForPerson: true, fileMaxBytes: 100 })
  output.passOn('api', line(30, { msg: 'x'.repeat(200) }))
  await rm(join(dir.path, 'logs'), { recursive: true })
  output.passOn('api', line(30, { msg: 'lost' }))

  await mkdir(join(dir.path, 'logs'))
  output.passOn('api', line(30, { msg: 'kept' }))
  expect(await readFile(output.logFile!, 'utf8')).toContain('kept')
})

test('the kept log is bounded: a full file makes room for the next, and the oldest goes', async () => {
  await using dir = await makeTemporaryDir()
  using output = openOutput({ dataDir: dir.path, level: 'info', isForPerson: true, fileMaxBytes: 1_000 })
  for (let count = 0; count < 200; count++) output.passOn('api', line(30, { msg: `line ${count}` }))

  const names = await readdir(join(dir.path, 'logs'))
  expect(names.toSorted()).toEqual(['upbeat.log', 'upbeat.log.1', 'upbeat.log.2'])
  for (const name of names) expect((await stat(join(dir.path, 'logs', name))).size).toBeLessThan(1_200)
  expect(await readFile(output.logFile!, 'utf8')).toContain('line 199')
})
