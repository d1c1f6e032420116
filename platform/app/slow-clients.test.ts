import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { makeFileBytes } from '../../tests/support/ingest.ts'
import { createWorld, type World } from '../../tests/support/world.ts'
import { uploadRoutes } from '../modules/uploads/index.ts'
import { mountApi } from '../roles/mount.ts'
import type { Routes } from './http.ts'
import { PATIENCE, type Patience } from './slow-clients.ts'

const SHORT: Patience = {
  headersMs: 200,
  checkMs: 50,
  bodyGraceMs: 200,
  bodyBytesPerS: 16 * 1024,
  answerGraceMs: 200,
  answerBytesPerS: 1024 ** 3,
}
/** More than the kernel keeps for a client that reads nothing. */
const LARGE_BYTES = 24 * 1024 * 1024

const echo: Routes = (app) => {
  app.post('/echo', async (request) => request.body)
  app.get('/large', async () => 'x'.repeat(LARGE_BYTES))
  app.get('/waiting', async (_request, reply) => {
    reply.raw.once('close', () => {})
    return new Promise(() => {})
  })
  app.post('/early', { onRequest: async (_request, reply) => reply.code(202).send({}) }, async () => ({}))
}

async function listen(world: World, patience: Patience, ...routes: Routes[]) {
  const app = await mountApi(world.ctx, routes, { patience })
  await app.listen({ host: '127.0.0.1', port: 0 })
  return Object.assign(app, {
    port: (app.server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      app.server.closeAllConnections()
      await app.close()
    },
  })
}

/** A client that writes by hand; `ended` tells everything that came, once the server has cut the connection. */
function dial(port: number): { socket: Socket; ended: Promise<string> } {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk))).on('error', () => {})
  return { socket, ended: new Promise((resolve) => socket.once('close', () => resolve(text))) }
}

const head = (method: string, path: string, ...lines: string[]) =>
  [`${method} /api/v1${path} HTTP/1.1`, 'host: localhost', ...lines, '', ''].join('\r\n')
const json = (length: number) => ['content-type: application/json', `content-length: ${length}`]

/** Sends a byte now and then until the connection is cut. */
function dribble(socket: Socket): void {
  const timer = setInterval(() => socket.write('x'), 20)
  socket.once('close', () => clearInterval(timer))
}

test('the slowest that a client can be ends within ten seconds', () => {
  const { headersMs, bodyGraceMs, checkMs } = PATIENCE
  expect(headersMs + checkMs + bodyGraceMs + checkMs).toBeLessThanOrEqual(10_000)
})

test.each([
  ['that sends half a request line', 'GET /api/v1/'],
  ['whose headers do not end', 'GET /api/v1/ HTTP/1.1\r\nhost: x\r\n'],
])('a connection %s is cut off and told why', async (_, text) => {
  await using world = await createWorld()
  await using app = await listen(world, SHORT, echo)
  const { socket, ended } = dial(app.port)
  socket.write(text)
  if (text.endsWith('\n')) socket.write('x: ')
  dribble(socket)

  const answer = await ended

  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toContain('"code":"request-too-slow"')
})

test('a connection kept in reserve, which never said anything, is closed without a word', async () => {
  await using world = await createWorld()
  await using app = await listen(world, SHORT, echo)

  expect(await dial(app.port).ended).toBe('')
})

test('a connection that another process accepted has the same deadline', async () => {
  await using world = await createWorld()
  await using app = await listen(world, SHORT, echo)
  const door = createServer((socket) => app.server.emit('connection', socket))
  await once(door.listen(0, '127.0.0.1'), 'listening')
  const { socket, ended } = dial((door.address() as AddressInfo).port)
  socket.write('GET / HT')

  expect(await ended).toContain('"code":"request-too-slow"')
  door.close()
})

test('a body that dribbles is refused with a problem, and the connection ends', async () => {
  await using world = await createWorld()
  await using app = await listen(world, SHORT, echo)
  const { socket, ended } = dial(app.port)
  socket.write(head('POST', '/echo', ...json(50_000)))
  dribble(socket)

  const answer = await ended

  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toContain('application/problem+json')
  expect(answer).toContain('"code":"request-too-slow"')
})

test('a body that keeps the pace is taken, however long it lasts', async () => {
  await using world = await createWorld()
  await using app = await listen(world, { ...SHORT, bodyBytesPerS: 100 }, echo)
  const { socket, ended } = dial(app.port)
  const body = JSON.stringify({ text: 'x'.repeat(4_000) })
  socket.write(head('POST', '/echo', 'connection: close', ...json(body.length)))
  for (let at = 0; at < body.length; at += 400) {
    socket.write(body.slice(at, at + 400))
    await new Promise((resolve) => setTimeout(resolve, 60))
  }

  expect(await ended).toContain(body)
})

test.each([
  ['that nobody reads', 'GET', '/waiting'],
  ['whose answer came already', 'POST', '/early'],
])('a body %s holds no connection either', async (_, method, path) => {
  await using world = await createWorld()
  await using app = await listen(world, SHORT, echo)
  const { socket, ended } = dial(app.port)
  socket.write(head(method, path, ...json(50_000)))

  await ended
})

test('an upload may stall for longer than other bodies', async () => {
  await using world = await createWorld()
  await using app = await listen(world, SHORT, uploadRoutes)
  const { headers } = await world.account()
  const bytes = makeFileBytes(2_000)
  const created = await app.inject({
    method: 'POST',
    url: '/api/v1/uploads',
    headers: {
      ...headers,
      'tus-resumable': '1.0.0',
      'upload-length': '2000',
      'upload-metadata': 'filename YQ==',
    },
  })
  const { socket, ended } = dial(app.port)
  const path = `/uploads/${created.json().id}`
  const lines = [
    `cookie: ${headers.cookie}`,
    'connection: close',
    'tus-resumable: 1.0.0',
    'upload-offset: 0',
    'content-type: application/offset+octet-stream',
    'content-length: 2000',
  ]
  socket.write(head('PATCH', path, ...lines))
  socket.write(bytes.subarray(0, 1_000))
  await new Promise((resolve) => setTimeout(resolve, 8 * (SHORT.bodyGraceMs + SHORT.checkMs)))
  socket.write(bytes.subarray(1_000))

  expect(await ended).toMatch(/^HTTP\/1\.1 204 /)
})

test.each([
  ['GET / HTTP/1.1\r\nnonsense\r\n\r\n', 400, 'malformed-request'],
  [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`, 431, 'headers-too-large'],
])('what is no request gets a problem too (%#)', async (text, status, code) => {
  await using world = await createWorld()
  await using app = await listen(world, PATIENCE, echo)
  const { socket, ended } = dial(app.port)
  socket.write(text)

  const answer = await ended

  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(answer).toContain(`"code":"${code}"`)
})

test('a client that does not read its answer is cut off, and one that does gets all of it', async () => {
  await using world = await createWorld()
  await using app = await listen(world, SHORT, echo)
  const reader = dial(app.port)
  reader.socket.write(head('GET', '/large', 'connection: close'))
  expect((await reader.ended).length).toBeGreaterThan(LARGE_BYTES)

  const accepted = once(app.server, 'connection') as Promise<[Socket]>
  const { socket } = dial(app.port)
  socket.pause()
  socket.write(head('GET', '/large'))
  const [connection] = await accepted
  await once(connection, 'close')
  socket.destroy()
})
