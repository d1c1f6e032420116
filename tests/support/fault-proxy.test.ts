import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.ts'

/** Says back what it hears, until the other side ends. */
const echo = createServer((socket) => {
  socket.on('error', () => {})
  socket.pipe(socket)
})
let targetPort: number
const stack: AsyncDisposable[] = []
const sockets: Socket[] = []

beforeEach(async () => {
  if (!echo.listening) await once(echo.listen(0, '127.0.0.1'), 'listening')
  targetPort = (echo.address() as AddressInfo).port
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const proxy of stack.splice(0)) await proxy[Symbol.asyncDispose]()
})

async function start(options: Partial<FaultProxyOptions> = {}): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ targetPort, ...options })
  stack.push(proxy)
  return proxy
}

async function call(proxy: FaultProxy): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

/** Sends the bytes, ends, and collects what comes back, in the pieces in which it came. */
async function exchange(socket: Socket, bytes: Buffer): Promise<Buffer[]> {
  socket.end(bytes)
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer)
  return pieces
}

test('without faults every byte arrives unchanged, both ways', async () => {
  const proxy = await start()
  const bytes = Buffer.alloc(3_000_000, 'upbeat')

  const pieces = await exchange(await call(proxy), bytes)

  expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
  expect(proxy.transferred).toEqual({ upBytes: bytes.length, downBytes: bytes.length })
})

test('nothing arrives before the latency of both directions and the handshake', async () => {
  const proxy = await start({ up: { latencyMs: 40 }, down: { latencyMs: 30 } })
  const startedMs = performance.now()

  await exchange(await call(proxy), Buffer.from('hello'))

  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(2 * (40 + 30) - 2)
})

test('a link carries no more than its bitrate, however many connections share it', async () => {
  const proxy = await start({ up: { bitrateBps: 8_000_000 } })
  const startedMs = performance.now()

  await Promise.all([1, 2, 3, 4].map(async () => exchange(await call(proxy), Buffer.alloc(50_000))))

  // 200,000 bytes at 1,000,000 bytes per second.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(200 - 2)
})

test('sliced bytes arrive complete', async () => {
  const proxy = await start({ up: { sliceBytes: 7 }, down: { sliceBytes: 3 } })
  const bytes = Buffer.from('GET / HTTP/1.1\r\nhost: test\r\n\r\n')

  expect(Buffer.concat(await exchange(await call(proxy), bytes)).equals(bytes)).toBe(true)
})

test('a reset breaks the connections that are there, and new ones work', async () => {
  const proxy = await start()
  const socket = await call(proxy)
  socket.write('hello')
  await once(socket, 'data')

  const broken = once(socket, 'error')
  proxy.reset()

  expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' })
  expect(Buffer.concat(await exchange(await call(proxy), Buffer.from('again'))).toString()).toBe('again')
})

test('a frozen network holds everything back, and delivers it when it thaws', async () => {
  const proxy = await start()
  const socket = await call(proxy)
  proxy.freeze()
  socket.write('hello')
  let heard = ''
  socket.setEncoding('utf8').on('data', (text: string) => (heard += text))
  await sleep(50)
  expect(heard).toBe('')
  expect(socket.destroyed).toBe(false)

  proxy.thaw()
  while (heard !== 'hello') await sleep(5)
})

test('a refusing network resets new connections until it admits them', async () => {
  const proxy = await start()
  proxy.refuse()
  const refused = connect(proxy.port, '127.0.0.1')
  sockets.push(refused)
  refused.write('hello')
  refused.on('error', () => {})
  await new Promise((resolve) => refused.once('close', resolve))

  proxy.admit()

  expect(Buffer.concat(await exchange(await call(proxy), Buffer.from('hi'))).toString()).toBe('hi')
})
