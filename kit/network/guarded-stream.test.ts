import { once } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { serveLocally } from '../../tests/support/local-server.ts'
import { openStream, openWebSocket, type GuardedStream } from './guarded-stream.ts'

async function serve(prepare: (server: Server) => void) {
  const local = await serveLocally()
  prepare(local.server)
  const closing = new AbortController()
  const url = new URL(local.url)
  const input: GuardedStream = { url, timeoutMs: 10_000, signal: closing.signal, allowPrivate: true }
  return {
    input,
    end: () => closing.abort(),
    async [Symbol.asyncDispose]() {
      closing.abort()
      await local[Symbol.asyncDispose]()
    },
  }
}

const endless = (server: Server) =>
  server.on('request', (_request, response) => {
    response.writeHead(200).write('first')
  })

test('the answer is there with its head, and its body goes on until it is ended', async () => {
  await using server = await serve(endless)
  const answer = await openStream(server.input)
  expect([answer.statusCode, String((await once(answer, 'data'))[0])]).toEqual([200, 'first'])
  const failed = once(answer, 'error')
  server.end()
  expect(String(await failed)).toContain('AbortError')
})

test('a private address is refused unless it is allowed', async () => {
  await using server = await serve(endless)
  const input = { ...server.input, allowPrivate: false }
  await expect(openStream(input)).rejects.toThrow(/is not public/)
  await expect(openWebSocket({ ...input, url: new URL('ws://localhost/') })).rejects.toThrow(/not public/)
})

test('what never answers is given up in time', async () => {
  await using server = await serve((silent) => silent.on('request', () => {}).on('upgrade', () => {}))
  const input = { ...server.input, timeoutMs: 50 }
  await expect(openStream(input)).rejects.toThrow(/No answer within 50 ms/)
  await expect(openWebSocket(input)).rejects.toThrow(/No answer within 50 ms/)
})

test('what was ended before it began does not begin', async () => {
  await using server = await serve(endless)
  server.end()
  await expect(openStream(server.input)).rejects.toThrow(/abort/i)
})

test('a server that does not prove that it speaks WebSocket is refused', async () => {
  await using server = await serve((other) =>
    other.on('upgrade', (_request: IncomingMessage, socket: Socket) => {
      socket.on('error', () => {})
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n')
      socket.write('sec-websocket-accept: bm90aGluZw==\r\n\r\n')
    }),
  )
  await expect(openWebSocket(server.input)).rejects.toThrow(/speaks no WebSocket/)
})
