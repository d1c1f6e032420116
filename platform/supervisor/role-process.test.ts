import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createLog } from '../../kit/log.ts'
import { identifyProcess, sendSignal } from '../../kit/processes.ts'
import { eventually } from '../../tests/support/eventually.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { openFrontDoor } from './front-door.ts'
import { createRoleProcess, type RoleProcess, type RoleProcessOptions } from './role-process.ts'

const started: RoleProcess[] = []
afterEach(async () => {
  for (const role of started.splice(0)) {
    const stopped = role.stop()
    role.kill()
    await stopped
  }
})

function create(behaviour: string, options: Partial<RoleProcessOptions> = {}): RoleProcess {
  const role = createRoleProcess({
    role: 'api',
    program: join(import.meta.dirname, 'fixtures', 'role.ts'),
    env: { ...process.env, TEST_BEHAVIOUR: behaviour },
    log: createLog({ level: 'silent', base: {} }),
    onOutput: () => {},
    ...options,
  })
  started.push(role)
  return role
}

test('a role that is killed is started again', async () => {
  const role = create('')
  role.start()
  await eventually(() => role.state === 'ready')
  const first = role.pid!

  sendSignal(first, 'SIGKILL')
  await eventually(() => role.state === 'ready' && role.pid !== first)

  expect(role.restartCount).toBe(1)
})

test('a role that never comes up is tried again and again, and each failed start is told', async () => {
  const failures: number[] = []
  const role = create('crash-at-start', { onFailedStart: (count) => failures.push(count) })
  role.start()

  await eventually(() => role.restartCount >= 3)

  expect(role.state).not.toBe('ready')
  expect(failures.slice(0, 3)).toEqual([1, 2, 3])
})

test('each readiness is followed by exactly one going', async () => {
  const heard: string[] = []
  const role = create('', { onReady: () => heard.push('ready'), onGone: () => heard.push('gone') })
  role.start()
  await eventually(() => role.state === 'ready')
  sendSignal(role.pid!, 'SIGKILL')
  await eventually(() => heard.length === 3)

  await role.stop()

  expect(heard).toEqual(['ready', 'gone', 'ready', 'gone'])
  expect(role.state).toBe('stopped')
})

test('what a role started ends with it, however it dies', async () => {
  const { promise, resolve } = Promise.withResolvers<number>()
  const role = create('has-child', {
    onOutput: (line) => line.startsWith('{') && resolve((JSON.parse(line) as { childPid: number }).childPid),
  })
  role.start()
  const childPid = await promise
  await eventually(() => role.state === 'ready')

  sendSignal(role.pid!, 'SIGKILL')

  await eventually(async () => (await identifyProcess(childPid)) === null)
})

test('a stuck role is ended and started again', async () => {
  const role = create('stuck', { pingIntervalMs: 20 })
  role.start()

  await eventually(() => role.restartCount >= 1)
})

test('a role that takes connections is not stuck, however long a ping waits behind them', async () => {
  let unanswered = 0
  const role = create('takes-only', {
    pingIntervalMs: 100,
    onOutput: (line) => (unanswered += line === 'no pong' ? 1 : 0),
  })
  role.start()

  await eventually(() => unanswered > 12)

  expect(role.restartCount).toBe(0)
})

test('a held role stays down until it is released', async () => {
  const role = create('')
  role.start()
  await eventually(() => role.state === 'ready')

  await role.hold()
  expect(role).toMatchObject({ state: 'held', pid: null })
  role.release()

  await eventually(() => role.state === 'ready')
})

test('its lines are passed on one by one', async () => {
  const lines: string[] = []
  const role = create('', { onOutput: (line) => lines.push(line) })
  role.start()

  await eventually(() => lines.length > 0)

  expect(lines).toEqual(['not JSON'])
})

test('a connection handed over is answered by the role; after its death the next one is answered by its successor', async () => {
  await using door = await openFrontDoor({ host: '127.0.0.1', port: 0, instanceName: 'Upbeat' })
  const role = create('', {
    onReady: () => door.addTaker(role),
    onGone: () => door.removeTaker(role),
    onReturned: (connection) => door.receive(connection),
  })
  role.start()
  await eventually(() => role.state === 'ready')
  const first = role.pid

  expect(await get(door.port, '/')).toBe(String(first))
  await get(door.port, '/crash')
  // Nobody waits for the supervisor to notice: this connection may well be given to the dead process.
  const answer = await get(door.port, '/')

  expect(answer).toBe(String(role.pid))
  expect(answer).not.toBe(String(first))
})

/** The body of the answer; empty when the connection was cut. */
async function get(port: number, path: string): Promise<string> {
  const client = connect(port, '127.0.0.1')
  client.on('error', () => {})
  await once(client, 'connect')
  client.write(`GET ${path} HTTP/1.1\r\nhost: test\r\n\r\n`)
  let text = ''
  client.setEncoding('utf8').on('data', (part: string) => (text += part))
  await once(client, 'close')
  return text.split('\r\n\r\n')[1] ?? ''
}

test('one that is released while it still ends starts again as soon as it has', async () => {
  const role = create('')
  role.start()
  await eventually(() => role.state === 'ready')
  const old = role.pid!
  expect(role.release()).toBe(false)

  const held = role.hold()
  expect(role.release()).toBe(true)
  await held

  await eventually(() => role.state === 'ready')
  expect(role.pid).not.toBe(old)
})

test('where two may work side by side, the new process is there before the old one goes', async () => {
  const heard: string[] = []
  const role = create('', {
    canOverlap: true,
    onReady: () => heard.push('ready'),
    onGone: () => heard.push('gone'),
  })
  role.start()
  await eventually(() => role.state === 'ready')
  const old = role.pid!

  await role.replace()

  expect(role.state).toBe('ready')
  expect(role.pid).not.toBe(old)
  expect(heard).toEqual(['ready'])
  expect(role.restartCount).toBe(0)
  await eventually(async () => (await identifyProcess(old)) === null)
})

test('where only one may work at a time, the new process begins when the old one has ended', async () => {
  const role = create('')
  role.start()
  await eventually(() => role.state === 'ready')
  const old = role.pid!

  const replaced = role.replace()
  expect(role.isBeingReplaced).toBe(true)
  await replaced

  expect(await identifyProcess(old)).toBeNull()
  expect(role).toMatchObject({ state: 'ready', isBeingReplaced: false, restartCount: 0 })
})

test('a new process that does not get ready changes nothing: the old one goes on', async () => {
  await using dir = await makeTemporaryDir()
  const role = create(`first-only:${dir.path}/marker`, { canOverlap: true })
  role.start()
  await eventually(() => role.state === 'ready')
  const old = role.pid

  await expect(role.replace()).rejects.toThrow('the old one goes on')

  expect(role).toMatchObject({ state: 'ready', pid: old, isBeingReplaced: false })
})

test('only what is ready can be replaced', async () => {
  const role = create('')
  await expect(role.replace()).rejects.toThrow('stopped')
})

test('each new process is told the greeting first, and its questions are answered', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const role = create('asks', {
    greeting: () => [{ type: 'peers', areUp: { api: true, ingest: true, worker: null }, apiPressure: 0 }],
    onQuestion: async (question) => ({ question }),
    onOutput: (line) => line.startsWith('heard') && resolve(line),
  })
  role.start()
  expect(await promise).toBe('heard peers, then {"question":{"about":"state"}}')
})
