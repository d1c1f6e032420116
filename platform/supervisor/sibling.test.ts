import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../kit/log.ts'
import { identifyProcess, sendSignal } from '../../kit/processes.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { environmentWith } from '../app/config.ts'
import { startSibling, type SiblingOptions } from './sibling.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')

async function openWorld(mode: 'run' | 'fail', options: Partial<SiblingOptions> = {}) {
  const dir = await makeTemporaryDir()
  const logFile = join(dir.path, 'logs', 'sibling.log')
  const sibling = startSibling({
    program: join(FIXTURES, 'sibling-program.ts'),
    args: [mode],
    env: environmentWith({}),
    logFile,
    log: createLog({ level: 'silent', base: {} }),
    ...options,
  })
  return {
    sibling,
    logFile,
    pids: () => readPids(logFile),
    async [Symbol.asyncDispose]() {
      await sibling.stop()
      await dir[Symbol.asyncDispose]()
    },
  }
}

const readPids = async (logFile: string): Promise<number[]> =>
  [...(await readFile(logFile, 'utf8').catch(() => '')).matchAll(/^pid (\d+)$/gm)].map(([, pid]) =>
    Number(pid),
  )

test('it says its address once it is ready, and ends when it is stopped', async () => {
  await using world = await openWorld('run')
  expect(await world.sibling.firstWord(30_000)).toEqual({ url: 'http://localhost:8090' })
  const [pid] = await world.pids()
  await world.sibling.stop()
  expect(await identifyProcess(pid!)).toBeNull()
})

test('one that can not start says why, and keeps nobody waiting', async () => {
  await using world = await openWorld('fail')
  expect(await world.sibling.firstWord(30_000)).toEqual({ trouble: 'Port 8090 is taken.' })
})

test('one that dies is started again', async () => {
  await using world = await openWorld('run')
  await world.sibling.firstWord(30_000)
  const [first] = await world.pids()
  sendSignal(first!, 'SIGKILL')
  await expect.poll(async () => (await world.pids()).length).toBe(2)
})

test('one whose log has no place says so, ends nobody else, and is tried again when there is one', async () => {
  await using dir = await makeTemporaryDir()
  const blocked = join(dir.path, 'logs')
  await writeFile(blocked, 'a file where the folder should be')
  await using world = await openWorld('run', { logFile: join(blocked, 'sibling.log') })
  expect(await world.sibling.firstWord(30_000)).toEqual({ trouble: expect.stringMatching(/EEXIST|ENOTDIR/) })

  await rm(blocked)
  await expect.poll(() => readPids(join(blocked, 'sibling.log'))).toHaveLength(1)
})

test('its log is bounded while it runs', async () => {
  await using world = await openWorld('run', { logMaxBytes: 1, logCheckMs: 20 })
  await expect.poll(() => readPids(`${world.logFile}.1`)).toHaveLength(1)
  await expect.poll(async () => (await stat(world.logFile)).size).toBeLessThan(2)
})

test('it goes on when whoever started it is killed', async () => {
  await using dir = await makeTemporaryDir()
  const logFile = join(dir.path, 'sibling.log')
  const parent = spawn(process.execPath, [join(FIXTURES, 'sibling-parent.ts'), logFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(parent.stdout, 'data')
  const [pid] = await readPids(logFile)
  try {
    const ended = once(parent, 'exit')
    parent.kill('SIGKILL')
    await ended
    await expect.poll(() => readFile(logFile, 'utf8')).toContain('alone')
    expect(await identifyProcess(pid!)).not.toBeNull()
  } finally {
    sendSignal(pid!, 'SIGKILL')
  }
})
