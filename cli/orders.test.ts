/** The operator's orders by the command line, on a running product, also while what it stands on is dead. */
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AuditEntry, OperationsState } from '../contract/operations.ts'
import { LEVEL_HEADER, type ServiceState } from '../contract/state.ts'
import { sendSignal } from '../kit/processes.ts'
import { upbeat, type CommandResult } from '../tests/support/command-line.ts'
import { eventually } from '../tests/support/eventually.ts'
import { startProduct, type Product } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'

const stateOf = async ({ url }: Product) =>
  (await (await fetch(`${url}/api/v1/state`)).json()) as ServiceState

const commandOn =
  ({ dataDir }: Product) =>
  (...args: string[]): Promise<CommandResult> =>
    upbeat([...args, '--data', dataDir])

test('what was mistyped is told before anybody is asked', async () => {
  await using dir = await makeTemporaryDir()
  const wrong = async (...args: string[]) => (await upbeat([...args, '--data', dir.path])).errors
  expect(await wrong('level')).toContain('Which level?')
  expect(await wrong('level', '6', '--reason', 'too much')).toContain('There is no level 6')
  expect(await wrong('level', '2')).toContain('Why? --reason')
  expect(await wrong('level', '2', '--reason', 'too much', '--for', '5')).toContain('--for takes a time')
  expect(await wrong('level', '2', '--reason', 'too much', '--for', '8d')).toContain(
    '--for takes 7 days at most.',
  )
  expect(await wrong('level', '2', '--reason', 'no')).toContain('--reason takes 3 characters at least.')
  expect(await wrong('pause', 'everything', '--reason', 'why not')).toContain('playback, feed')
  expect(await wrong('restart', 'all', 'api')).toContain('Which role?')
  expect(await wrong('maintenance', 'announce', '--from', 'soon')).toContain('--from takes a time')
  expect(await wrong('audit', '--last', '0')).toContain('--last')
  expect(await wrong('level', 'auto')).toContain('does not run')
})

test('a supervisor that does not answer is told as such, in words, and where to look for what came of the order', async () => {
  await using dir = await makeTemporaryDir()
  await mkdir(join(dir.path, 'run'))
  await using mute = createServer((connection) => connection.resume())
  await once(mute.listen(join(dir.path, 'run', 'control.sock')), 'listening')

  const { code, errors } = await upbeat(['level', '2', '--reason', 'too much', '--data', dir.path])
  expect(code).toBe(1)
  expect(errors).toContain('has not answered within 0.9 s')
  expect(errors).toContain('upbeat audit tells')
  expect(errors).not.toContain('    at ')
})

test('levels, pauses and maintenance are ordered, in force in every process, kept over restarts, and written down', async () => {
  await using dir = await makeTemporaryDir()
  {
    await using product = await startProduct({ dataDir: dir.path })
    await product.settled()
    const command = commandOn(product)

    const inIndia = { TZ: 'Asia/Kolkata' }
    const ordered = ['level', '3', '--reason', 'New disks', '--for', '1h', '--data', dir.path]
    expect(await upbeat(ordered, inIndia)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/at least 3 until .*\d\d:\d\d GMT\+5:30 \(in 60 min\)\.\n$/),
    })
    await eventually(async () => (await stateOf(product)).level === 3)
    expect((await fetch(`${product.url}/api/v1/feed/for-you`)).headers.get(LEVEL_HEADER)).toBe('3')
    expect(await command('level', 'auto')).toMatchObject({ code: 0 })
    await eventually(async () => (await stateOf(product)).level === 0)
    expect(await command('level', 'auto')).toMatchObject({
      code: 1,
      output: expect.stringContaining('No level'),
    })

    expect(await command('pause', 'search', '--reason', 'A bad index')).toMatchObject({ code: 0 })
    const paused = await eventually(
      async () => (await stateOf(product)).features.search,
      ({ mode }) => mode === 'paused',
    )
    expect(paused).toMatchObject({ reason: 'operator', note: 'A bad index' })
    expect((await fetch(`${product.url}/api/v1/search?q=x`)).status).toBe(503)

    const announced = await command(
      ...['maintenance', 'announce', '--from', '+2h', '--for', '30m', '--text', 'New disks'],
    )
    expect(announced).toMatchObject({ code: 0 })
    await eventually(async () => (await stateOf(product)).maintenance?.state === 'announced')
  }
  await using product = await startProduct({ dataDir: dir.path })
  const command = commandOn(product)
  expect(await stateOf(product)).toMatchObject({
    maintenance: { state: 'announced', text: 'New disks' },
    features: { search: { mode: 'paused' } },
  })
  expect(await command('resume', 'search')).toMatchObject({ code: 0 })
  expect(await command('maintenance', 'cancel')).toMatchObject({ code: 0 })
  await eventually(async () => {
    const { maintenance, features } = await stateOf(product)
    return maintenance === null && features.search.mode === 'on'
  })

  const entries = JSON.parse((await command('audit', '--json')).output) as AuditEntry[]
  expect(entries.map(({ order, outcome }) => `${order.type} ${outcome.state}`).toReversed()).toEqual([
    'set-level done',
    'clear-level done',
    'clear-level refused',
    'pause-feature done',
    'announce-maintenance done',
    'resume-feature done',
    'cancel-maintenance done',
  ])
  expect(entries[0]!.who).toEqual({ kind: 'command-line', user: expect.stringMatching(/./) })
  expect((await command('audit', '--last', '1')).output).toContain('cancel-maintenance')
  expect((await command('audit')).output).not.toMatch(/\dT\d\d:/)
})

test('every command is answered with the database stopped, the ingest stuck, and api and worker killed', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  const { roles } = await product.settled()
  const pidOf = (name: string) => roles.find(({ role }) => role === name)!.pid!
  const postgres = await product.pidOf('postgres')
  const command = commandOn(product)
  sendSignal(postgres, 'SIGSTOP')
  sendSignal(pidOf('ingest'), 'SIGSTOP')
  for (const role of ['api', 'worker']) sendSignal(pidOf(role), 'SIGKILL')
  try {
    // The command line itself gives up on a supervisor that takes a second.
    const told = await command('state', '--json')
    const state = JSON.parse(told.output) as OperationsState
    expect(state.roles.map(({ role }) => role)).toEqual(['ingest', 'api', 'worker'])
    expect(state.disk.freeBytes).toEqual(expect.any(Number))

    expect(await command('level', '4', '--reason', 'The database is stuck')).toMatchObject({ code: 0 })
    expect(await command('pause', 'uploads', '--reason', 'The ingest is stuck')).toMatchObject({ code: 0 })
    expect((await command('hold', 'ingest')).code).toBe(0)
    expect((await command('metrics')).output).toContain('upbeat_process_ready{role="ingest"} 0')
    expect((await command('restart', 'ingest')).output).toMatch(/✗ ingest is (draining|held)/)
    expect((await command('state')).output).toContain('uploads paused until')
    expect((await command('audit')).output).toContain('The database is stuck')
    await eventually(async () => (await command('hold', 'ingest')).output.includes('is held'))
    expect((await command('release', 'ingest')).code).toBe(0)
  } finally {
    sendSignal(postgres, 'SIGCONT')
  }
  expect(await command('level', 'auto')).toMatchObject({ code: 0 })
  expect(await command('resume', 'uploads')).toMatchObject({ code: 0 })
  await product.settled()
})

test('during maintenance uploads are paused; it is verified before everything opens again', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  await product.settled()
  const command = commandOn(product)
  await command('maintenance', 'announce', '--from', '+0s', '--for', '30m', '--text', 'New disks')

  expect(await command('maintenance', 'begin', '--level', '2', '--wait')).toMatchObject({ code: 0 })
  const during = await eventually(
    () => stateOf(product),
    ({ level }) => level === 2,
  )
  expect(during).toMatchObject({
    maintenance: { state: 'under-way' },
    features: { uploads: { mode: 'paused', reason: 'maintenance' }, processing: { mode: 'paused' } },
  })

  expect(await command('hold', 'worker', '--wait')).toMatchObject({ code: 0 })
  expect(await command('maintenance', 'end', '--wait')).toMatchObject({
    code: 1,
    output: expect.stringContaining('It stays closed'),
  })
  await command('release', 'worker')
  await product.settled()
  const ended = await command('maintenance', 'end', '--despite-problems', '--wait')
  expect(ended).toMatchObject({ code: 0, output: expect.stringContaining('step by step') })
  await eventually(async () => {
    const { level, maintenance, features } = await stateOf(product)
    return level === 0 && maintenance === null && features.uploads.mode === 'on'
  })
})
