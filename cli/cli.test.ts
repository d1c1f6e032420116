/** The command line, on a running product and on none. */
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sendSignal } from '../kit/processes.ts'
import { setRestoreMark } from '../platform/app/restore-mark.ts'
import { upbeat } from '../tests/support/command-line.ts'
import { eventually } from '../tests/support/eventually.ts'
import { runProductToItsEnd, startProduct } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'

test('what was mistyped is told, with what there is', async () => {
  const wrong = await upbeat(['upp'])
  expect(wrong).toMatchObject({ code: 2, errors: expect.stringContaining('There is no command "upp"') })
  expect(wrong.errors).toContain('Usage: upbeat COMMAND')
  const level = await upbeat(['level', '9', '--reason', 'a test'])
  expect(level.errors).toMatch(/^There is no level 9/)
  expect(level.errors).toContain('level N --reason WHY')
  expect(level.errors, 'the reason stays on the screen').not.toContain('restore DIR')
  expect(await upbeat(['restore', '/tmp', '--data', '/nowhere'])).toMatchObject({
    code: 2,
    errors: expect.stringContaining('Either --verify or --into-empty'),
  })
  expect(await upbeat(['status', '--colour'])).toMatchObject({ code: 2 })
  expect(await upbeat(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('doctor') })
})

test('on a folder where nothing runs, status says so and how to start', async () => {
  await using dir = await makeTemporaryDir()
  const status = await upbeat(['status', '--data', dir.path])
  expect(status).toMatchObject({ code: 3, output: expect.stringContaining(`./up --data ${dir.path}`) })
  expect(status.output).toContain('never proven')
})

test('of a running product it tells roles, database, disk and backups; hold and release steer it', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  await product.settled()
  // A machine that is busy may take longer than the limit of a part: that is then unknown. And the way back from the
  // beginning may not be at its end when all roles are there.
  const told = await eventually(
    () => upbeat(['status', '--json', '--data', dir.path]),
    ({ code, output }) => code === 0 && JSON.parse(output).level === 0,
  )
  expect(JSON.parse(told.output)).toMatchObject({
    isRunning: true,
    isDatabaseAnswering: true,
    level: 0,
    supervisor: { roles: [{ role: 'ingest', state: 'ready' }, { role: 'api' }, { role: 'worker' }] },
    disk: { freeBytes: expect.any(Number) },
    backups: { lastBackup: null, lastProof: null },
  })

  expect(await upbeat(['hold', 'worker', '--wait', '--data', dir.path])).toMatchObject({
    code: 0,
    output: expect.stringContaining('held'),
  })
  expect((await upbeat(['status', '--data', dir.path])).code).toBe(1)
  expect(await upbeat(['release', 'worker', '--data', dir.path])).toMatchObject({ code: 0 })
  await product.settled()
})

test('status answers while the database is stopped in its tracks', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  const pid = await product.pidOf('postgres')
  sendSignal(pid, 'SIGSTOP')
  try {
    const told = await upbeat(['status', '--json', '--data', dir.path])
    expect(told.code).toBe(1)
    expect(JSON.parse(told.output)).toMatchObject({ isRunning: true, isDatabaseAnswering: null })
  } finally {
    sendSignal(pid, 'SIGCONT')
  }
})

test('status answers when the database’s machine is silent', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  await using dir = await makeTemporaryDir()
  const told = await upbeat(['status', '--json', '--data', dir.path], {
    DATABASE_URL: `postgres://somebody@127.0.0.1:${port}/upbeat`,
  })
  expect(JSON.parse(told.output)).toMatchObject({ isRunning: false, isDatabaseAnswering: null })
  silent.close()
})

test('a backup is made while the product runs and while it does not, proven, and restored into an empty folder', async () => {
  await using dir = await makeTemporaryDir()
  const data = join(dir.path, 'data')
  const place = join(dir.path, 'kept')
  await mkdir(data, { mode: 0o711 })
  {
    await using product = await startProduct({ dataDir: data })
    await product.settled()
    expect(await upbeat(['backup', place, '--data', data])).toMatchObject({
      code: 0,
      output: expect.stringContaining('✓'),
    })
    expect(await upbeat(['restore', place, '--verify', '--data', data])).toMatchObject({
      code: 0,
      output: expect.stringContaining('can be restored'),
    })
    expect((await upbeat(['status', '--data', data])).output).toMatch(
      /last proven at .*\d\d:\d\d \S+ \(.* ago\)/,
    )
    expect(await upbeat(['restore', place, '--into-empty', '--data', data])).toMatchObject({
      code: 1,
      errors: expect.stringContaining('already runs'),
    })
  }
  expect(await upbeat(['key', join(dir.path, 'key')])).toMatchObject({
    code: 0,
    output: expect.stringContaining('lost it can not'),
  })
  const sealed = await upbeat([
    'backup',
    join(dir.path, 'sealed'),
    '--key',
    join(dir.path, 'key'),
    '--data',
    data,
  ])
  expect(sealed).toMatchObject({ code: 0, output: expect.stringContaining('encrypted by the key') })
  expect(await upbeat(['restore', place, '--into-empty', '--data', data])).toMatchObject({
    code: 1,
    errors: expect.stringContaining('overwrites nothing'),
  })

  const restored = join(dir.path, 'restored')
  await mkdir(restored, { mode: 0o711 })
  const args = [
    'restore',
    join(dir.path, 'sealed'),
    '--into-empty',
    '--key',
    join(dir.path, 'key'),
    '--data',
    restored,
  ]
  expect(await upbeat(args)).toMatchObject({
    code: 0,
    output: expect.stringContaining(`./up --data ${restored}`),
  })
  expect(await readFile(join(restored, 'secrets.json'), 'utf8')).toBe(
    await readFile(join(data, 'secrets.json'), 'utf8'),
  )
  await using again = await startProduct({ dataDir: restored })
  expect((await fetch(`${again.url}/healthz`)).status).toBe(200)
})

test('a data folder in which a restore was cut off is not started', async () => {
  await using dir = await makeTemporaryDir()
  await setRestoreMark(dir.path, '/kept/2026-01-01T03-30-00Z')
  const attempt = await runProductToItsEnd({ dataDir: dir.path })
  expect(attempt).toMatchObject({
    code: 1,
    output: expect.stringContaining('upbeat restore /kept/2026-01-01T03-30-00Z'),
  })
  expect(await readdir(dir.path)).toEqual(['restore.unfinished'])
})

test('the doctor finds a running product well, and each thing amiss with its remedy', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path })
  await product.settled()
  const examine = async () => {
    const { output } = await upbeat(['doctor', '--json', '--url', product.url, '--data', dir.path])
    return (
      JSON.parse(output) as {
        findings: { about: string; state: string; what: string; remedy: string | null }[]
      }
    ).findings
  }
  const well = await examine()
  expect(well.filter(({ state }) => state === 'problem')).toEqual([])
  expect(new Set(well.map(({ about }) => about))).toEqual(
    new Set(['Processes', 'Disk', 'Encoders', 'Database', 'Files', 'Clock', 'Backups', 'Public address']),
  )
  for (const finding of well) if (finding.state === 'problem') expect(finding.remedy).toBeTruthy()

  await writeFile(join(dir.path, 'blobs', 'store-id'), 'another\n')
  await product.control({ command: 'hold', role: 'worker' })
  const unwell = await examine()
  expect(unwell).toContainEqual(expect.objectContaining({ about: 'Files', state: 'problem' }))
  expect(unwell).toContainEqual(
    expect.objectContaining({ state: 'problem', remedy: expect.stringContaining('upbeat release worker') }),
  )
})
