import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { openOutput, type OutputOptions } from './output.ts'

/** @default for a person */
async function open(options: Partial<OutputOptions>) {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTemporaryDir())
  let seen = ''
  const output = stack.use(
    openOutput({
      dataDir: dir.path,
      level: 'info',
      isForPerson: true,
      toStandardError: (text) => (seen += text),
      ...options,
    }),
  )
  const owned = stack.move()
  return {
    output,
    /** On standard error. */
    seen: () => seen,
    logDir: join(dir.path, 'logs'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const line = (level: number, fields: object) => JSON.stringify({ level, time: 1, role: 'api', ...fields })

test('a person sees warnings and errors in words, and the whole log lies in the data folder as JSON lines', async () => {
  await using world = await open({ isForPerson: true })
  const { output } = world

  output.passOn('api', line(30, { msg: 'ready' }))
  output.passOn('api', line(40, { msg: 'counters.late', err: { message: 'timeout' } }))
  output.passOn('api', line(50, { msg: 'unexpected error' }))
  output.passOn('worker', 'Segmentation fault')
  output.log.warn('disk.nearly-full')

  expect(world.seen().split('\n')).toEqual([
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
  await using world = await open({ isForPerson: true })
  const { output } = world
  for (let time = 0; time < 5; time++) output.passOn('api', line(40, { time, msg: 'again' }))
  expect(world.seen()).toBe('  Warning (api): again\n')
  expect((await readFile(output.logFile!, 'utf8')).trimEnd().split('\n')).toHaveLength(5)
})

test('for a service manager everything is a JSON line on standard error', async () => {
  await using world = await open({ isForPerson: false })
  const { output } = world
  output.passOn('api', line(30, { msg: 'ready' }))
  output.passOn('worker', 'not JSON')
  output.log.info('started')
  expect(output.logFile).toBeNull()
  expect(
    world
      .seen()
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text).msg),
  ).toEqual(['ready', 'not JSON', 'started'])
})

test('a log that finds no place for its next file loses lines, and ends nothing', async () => {
  await using world = await open({ fileMaxBytes: 100 })
  const { output, logDir } = world
  output.passOn('api', line(30, { msg: 'x'.repeat(200) }))
  await rm(logDir, { recursive: true })
  output.passOn('api', line(30, { msg: 'lost' }))

  await mkdir(logDir)
  output.passOn('api', line(30, { msg: 'kept' }))
  expect(await readFile(output.logFile!, 'utf8')).toContain('kept')
})

test('the kept log is bounded: a full file makes room for the next, and the oldest goes', async () => {
  await using world = await open({ fileMaxBytes: 1_000 })
  const { output, logDir } = world
  for (let count = 0; count < 200; count++) output.passOn('api', line(30, { msg: `line ${count}` }))

  const names = await readdir(logDir)
  expect(names.toSorted()).toEqual(['upbeat.log', 'upbeat.log.1', 'upbeat.log.2'])
  for (const name of names) expect((await stat(join(logDir, name))).size).toBeLessThan(1_200)
  expect(await readFile(output.logFile!, 'utf8')).toContain('line 199')
})
