import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import {
  openFrontDoor,
  PortUnavailableError,
  type ConnectionTaker,
  type FrontDoor,
  type FrontDoorOptions,
} from './front-door.ts'

const opened: AsyncDisposable[] = []
const clients: Socket[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  for (const door of opened.splice(0)) await door[Symbol.asyncDispose]()
})

async function open(options: Partial<FrontDoorOptions> = {}): Promise<FrontDoor> {
  const door = await openFrontDoor({ host: '127.0.0.1', port: 0, instanceName: 'Upbeat', ...options })
  opened.push(door)
  return door
}

/** Connects and sends a request at once, as a browser does. */
async function call(
  door: FrontDoor,
  request = 'GET / HTTP/1.1\r\nhost: test\r\n\r\n',
): Promise<{ client: Socket; answer: Promise<string> }> {
  const client = connect(door.port, '127.0.0.1')
  clients.push(client)
  await once(client, 'connect')
  client.write(request)
  const answer = (async () => {
    let text = ''
    for await (const part of client.setEncoding('utf8')) text += part
    return text
  })()
  return { client, answer }
}

const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8'
const navigate = (method = 'GET', host = 'test') =>
  `${method} /v/1?a=b HTTP/1.1\r\nHost: ${host}\r\nAccept: ${HTML}\r\n\r\n`

const taker = (name: string, taken: string[]): ConnectionTaker => ({
  take(connection) {
    taken.push(name)
    connection.resume()
    connection.end(name)
    return true
  },
})

async function waitingIs(door: FrontDoor, count: number): Promise<void> {
  while (door.waitingCount !== count) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('connections go to the takers in turns', async () => {
  const door = await open()
  const taken: string[] = []
  door.addTaker(taker('first', taken))
  door.addTaker(taker('second', taken))

  for (let call_ = 0; call_ < 4; call_++) await (await call(door)).answer

  expect(taken).toEqual(['first', 'second', 'first', 'second'])
})

test('connections wait while nobody takes them, and are served as soon as somebody does', async () => {
  const door = await open()
  const calls = await Promise.all([call(door), call(door), call(door)])
  await waitingIs(door, 3)

  door.addTaker(taker('late', []))

  expect(await Promise.all(calls.map(({ answer }) => answer))).toEqual(['late', 'late', 'late'])
  expect(door.waitingCount).toBe(0)
})

test('a taker that can take no more is passed over', async () => {
  const door = await open()
  door.addTaker({ take: () => false })
  door.addTaker(taker('alive', []))

  expect(await (await call(door)).answer).toBe('alive')
})

test('a removed taker gets nothing more', async () => {
  const door = await open()
  const removed = taker('removed', [])
  door.addTaker(removed)
  door.addTaker(taker('left', []))
  door.removeTaker(removed)

  expect(await (await call(door)).answer).toBe('left')
  expect(await (await call(door)).answer).toBe('left')
})

test('who has waited too long is told when to come back, as a problem', async () => {
  const door = await open({ maxWaitMs: 30 })

  const text = await (await call(door)).answer

  const [head, body] = text.split('\r\n\r\n') as [string, string]
  expect(head).toContain('HTTP/1.1 503 Service Unavailable')
  expect(head).toContain('content-type: application/problem+json')
  expect(head).toContain('retry-after: 5')
  expect(JSON.parse(body)).toMatchObject({ code: 'busy', side: 'us', status: 503, retryAfterS: 5 })
})

test('a person who opens the app meanwhile gets a page in words, and it looks again by itself', async () => {
  const door = await open({ maxWaitMs: 30, watchUrl: 'http://localhost:8090', instanceName: 'Tom & <i>' })

  const text = await (await call(door, navigate('GET', 'upbeat.example:8080'))).answer

  const [head, body] = text.split('\r\n\r\n') as [string, string]
  expect(head).toContain('HTTP/1.1 503 Service Unavailable')
  expect(head).toContain('content-type: text/html; charset=utf-8')
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`)
  expect(head).toContain('retry-after: 5')
  expect(head).toMatch(/content-security-policy: default-src 'none'; style-src 'sha256-\S+'/)
  expect(body).toContain('<meta http-equiv="refresh" content="5">')
  expect(body).toContain('The part of the server that answers is being started again.')
  expect(body).toContain('Nothing of yours is lost')
  expect(body).toContain('href="http://upbeat.example:8090/"')
  expect(body).toContain('Tom &#38; &#60;i&#62;')
  expect(body).not.toContain('<script')
})

test('the page has no way to the watch when none is known', async () => {
  const door = await open({ maxWaitMs: 30 })

  expect(await (await call(door, navigate())).answer).not.toContain('http://')
})

test('whoever asks for the head of the page gets the head alone', async () => {
  const door = await open({ maxWaitMs: 30 })

  const text = await (await call(door, navigate('HEAD'))).answer

  expect(text).toContain('content-type: text/html')
  expect(text.endsWith('\r\n\r\n')).toBe(true)
})

test.for([
  ['sends something', navigate('POST')],
  ['is no browser', 'GET / HTTP/1.1\r\nhost: test\r\naccept: application/json\r\n\r\n'],
  ['never comes to the end of its request', `GET / HTTP/1.1\r\naccept: ${HTML}\r\n`],
  ['has more to say than a head may hold', navigate('GET', 'x'.repeat(20_000))],
  ['says nothing', ''],
])('who %s gets the problem', async ([, request]) => {
  const door = await open({ maxWaitMs: 30, maxHeadWaitMs: 50 })

  expect(await (await call(door, request!)).answer).toContain('content-type: application/problem+json')
})

test('a request that comes in pieces is read to its end', async () => {
  const door = await open({ maxWaiting: 0, maxHeadWaitMs: 60_000 })
  const { client, answer } = await call(door, navigate().slice(0, 30))
  client.write(navigate().slice(30))

  expect(await answer).toContain('content-type: text/html')
})

test('exactly as many wait as there is room for; the next one is told at once', async () => {
  const door = await open({ maxWaiting: 2 })
  const patient = [await call(door), await call(door)]
  await waitingIs(door, 2)

  expect(await (await call(door)).answer).toContain('All places in the queue are taken.')

  door.addTaker(taker('late', []))
  expect(await Promise.all(patient.map(({ answer }) => answer))).toEqual(['late', 'late'])
})

test('closing tells those who wait, and frees the port', async () => {
  const door = await open()
  const waiting = await call(door)
  await waitingIs(door, 1)

  await door.close()

  expect(await waiting.answer).toContain('The server is being stopped.')
  const next = createServer().listen(door.port, '127.0.0.1')
  await once(next, 'listening')
  next.close()
})

test('a port in use is named, with another one to choose', async () => {
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  const { port } = squatter.address() as { port: number }

  const attempt = openFrontDoor({ host: '127.0.0.1', port, instanceName: 'Upbeat' })

  await expect(attempt).rejects.toThrow(PortUnavailableError)
  await expect(attempt).rejects.toThrow(`Port ${port} is used by another program. Choose another one`)
  squatter.close()
})
