import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { SENT_AHEAD_MAX } from './connection.ts'
import { installAdmission } from './plugin.ts'

/** More than the kernel keeps for a client that reads nothing. */
const LARGE_BYTES = 24 * 1024 * 1024

async function createStage() {
  const app = Fastify()
  const door = installAdmission(app, { initial: 4, min: 4, isFixed: true })
  const begun: string[] = []
  app.get('/updates', { config: { admission: { class: 2, holds: 'nothing' } } }, (_request, reply) => {
    begun.push('updates')
    reply.hijack()
    reply.raw.writeHead(200).write('first')
  })
  app.get<{ Params: { name: string } }>('/task/:name', async (request) => {
    begun.push(request.params.name)
    return { name: request.params.name }
  })
  app.get('/large', async () => {
    begun.push('large')
    return 'x'.repeat(LARGE_BYTES)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const sockets: Socket[] = []
  return {
    app,
    door,
    begun,
    /** Sends all these requests at once, on one connection. */
    send(paths: readonly string[]): Socket {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      sockets.push(socket)
      socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: here\r\n\r\n`).join(''))
      return socket
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await app.close()
    },
  }
}

test('requests that are sent ahead on one connection begin one after the other', async () => {
  await using stage = await createStage()
  const socket = stage.send(['/task/a', '/task/b', '/task/c'])
  let text = ''
  socket.on('data', (bytes) => (text += String(bytes)))

  await expect.poll(() => text.match(/"name":"\w"/g)).toEqual(['"name":"a"', '"name":"b"', '"name":"c"'])
  await expect.poll(() => stage.door.gate.inFlight).toBe(0)
})

test('what is sent ahead behind an answer that lasts holds no place, and nobody else waits for it', async () => {
  await using stage = await createStage()
  const socket = stage.send(['/updates', ...Array<string>(SENT_AHEAD_MAX).fill('/task/ahead')])
  await once(socket, 'data')

  const other = await stage.app.inject('/task/other')

  expect(other.statusCode).toBe(200)
  expect(stage.begun).toEqual(['updates', 'other'])
  expect(stage.door.gate.inFlight).toBe(0)
  socket.destroy()
  await expect.poll(() => stage.app.server.listening && stage.door.gate.inFlight).toBe(0)
  expect(stage.begun).toEqual(['updates', 'other'])
})

test('who sends more ahead than is kept loses the connection, and nothing of it begins', async () => {
  await using stage = await createStage()
  const socket = stage.send(['/updates', ...Array<string>(SENT_AHEAD_MAX + 1).fill('/task/ahead')])

  await once(socket, 'close')

  expect((await stage.app.inject('/task/other')).statusCode).toBe(200)
  expect(stage.begun).toEqual(['updates', 'other'])
  expect(stage.door.gate.inFlight).toBe(0)
})

test('a client that does not read its answer holds no place', async () => {
  await using stage = await createStage()
  for (let each = 0; each < 4; each++) stage.send(['/large']).pause()
  await expect.poll(() => stage.begun.length).toBe(4)

  await expect.poll(() => stage.door.gate.inFlight).toBe(0)

  const other = await stage.app.inject('/task/other')
  expect(other.statusCode).toBe(200)
})
