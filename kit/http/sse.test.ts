import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { serveLocally } from '../../tests/support/local-server.ts'
import { formatSseEvent, openSseStream, type SseCloseReason, type SseStream } from './sse.ts'

async function open(options: { maxBufferedBytes?: number } = {}) {
  const opened = Promise.withResolvers<SseStream>()
  const closed = Promise.withResolvers<SseCloseReason>()
  const server = await serveLocally((_request, response) =>
    opened.resolve(
      openSseStream(response, {
        retryMs: 1234,
        onClose: closed.resolve,
        headers: { 'x-own': '1' },
        ...options,
      }),
    ),
  )
  const asking = request(server.url).end()
  const [answer] = (await once(asking, 'response')) as [IncomingMessage]
  const stream = await opened.promise
  return {
    stream,
    answer,
    asking,
    closed: closed.promise,
    async [Symbol.asyncDispose]() {
      asking.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function readAll(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return text
}

test('events go out with id, name and data; line ends in data stay data', () => {
  expect(formatSseEvent({ data: 'x' })).toBe('data: x\n\n')
  expect(formatSseEvent({ id: '7', event: 'gap', data: 'a\nb\r\nc\rd' })).toBe(
    'id: 7\nevent: gap\ndata: a\ndata: b\ndata: c\ndata: d\n\n',
  )
})

test('a stream begins with its retry hint, beats, and ends with a last event', async () => {
  await using own = await open()
  expect(own.answer.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-own': '1',
  })

  expect(own.stream.send({ data: 'one' })).toBe(true)
  own.stream.beat()
  own.stream.end({ event: 'bye', data: 'two' })
  own.stream.end()

  expect(await readAll(own.answer)).toBe('retry: 1234\n\ndata: one\n\n:\n\nevent: bye\ndata: two\n\n')
  expect(await own.closed).toBe('ended')
  expect(own.stream.send({ data: 'late' })).toBe(false)
  expect(own.stream.isOpen).toBe(false)
})

test('a reader that goes away closes the stream', async () => {
  await using own = await open()
  own.asking.destroy()
  expect(await own.closed).toBe('left')
})

test('a reader that does not read is dropped, and told why once it reads on', async () => {
  await using own = await open({ maxBufferedBytes: 100_000 })
  const data = 'x'.repeat(50_000)
  let sent = 0
  while (own.stream.send({ data })) sent++

  expect(await own.closed).toBe('slow')
  expect(sent).toBeGreaterThan(1)
  expect(await readAll(own.answer)).toMatch(/event: dropped\ndata: \{"reason":"slow"\}\n\n$/)
})
