import { createHash } from 'node:crypto'
import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import type { ChatterSample } from '../../../engines/detect/types.ts'
import { systemClock } from '../../../kit/clock.ts'
import { createLog } from '../../../kit/log.ts'
import { serveLocally } from '../../../tests/support/local-server.ts'
import type { WatchCtx } from '../../app/context.ts'
import { ServiceEntry } from '../../configuration/index.ts'
import { followChatter, type ChatterOptions } from './follow-chatter.ts'
import { readWebSocket } from './read-web-socket.ts'
import { matchWords } from './words.ts'

/** A WebSocket server for one thing: to send texts (RFC 6455, frames of up to 65,535 bytes). */
async function startJetstream() {
  const sockets = new Set<Socket>()
  const paths: string[] = []
  const { server, port, ...local } = await serveLocally()
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    )
    socket.on('error', () => {})
    paths.push(request.url!)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  return {
    url: `ws://127.0.0.1:${port}/subscribe`,
    paths,
    connected: () => sockets.size,
    say(message: unknown) {
      const text = Buffer.from(JSON.stringify(message))
      const header = Buffer.from([0x81, 126, text.length >> 8, text.length & 255])
      for (const socket of sockets) socket.write(Buffer.concat([header, text]))
    },
    drop: () => sockets.forEach((socket) => socket.destroy()),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await local[Symbol.asyncDispose]()
    },
  }
}

const post = (text: string, operation = 'create') => ({
  did: 'did:plc:nobody',
  time_us: 1,
  kind: 'commit',
  commit: { operation, collection: 'app.bsky.feed.post', record: { $type: 'app.bsky.feed.post', text } },
})

function follow(
  sources: unknown[],
  { allowPrivate = true, ...options }: ChatterOptions & { readonly allowPrivate?: boolean } = {},
) {
  const samples: ChatterSample[] = []
  const troubles: string[] = []
  const log = createLog(
    { level: 'warn', base: {} },
    { write: (line) => troubles.push((JSON.parse(line) as { err: { message: string } }).err.message) },
  )
  // Of the context it uses the clock and the log.
  const ctx = { clock: systemClock, log } as WatchCtx
  const entry = ServiceEntry.parse({
    id: 'shop',
    name: 'Shop',
    url: 'https://shop.example',
    features: [{ id: 'cart', name: 'Cart' }],
    chatter: { words: ['shop down', 'is shop down'], sources, allowPrivate },
  })
  const following = followChatter(ctx, entry, (sample) => samples.push(sample), {
    sampleEveryMs: 50,
    ...options,
  })
  return {
    samples,
    /** Why it was cut off, each time. */
    troubles,
    total: () => samples.reduce((sum, { count }) => sum + count, 0),
    [Symbol.asyncDispose]: () => following[Symbol.asyncDispose](),
  }
}

test('Jetstream: new posts with the words are counted, and nothing else of them is kept', async () => {
  await using jetstream = await startJetstream()
  await using chatter = follow([{ kind: 'jetstream', url: jetstream.url }])
  await expect.poll(() => chatter.samples.length).toBeGreaterThan(0)
  expect(jetstream.paths).toEqual(['/subscribe?wantedCollections=app.bsky.feed.post'])

  jetstream.say(post('Is Shop   DOWN for everyone?'))
  jetstream.say(post('I love this shop'))
  jetstream.say(post('shop down', 'delete'))
  jetstream.say({ kind: 'identity', did: 'did:plc:nobody' })
  jetstream.say(post('shop down again'))
  await expect.poll(() => chatter.total()).toBe(2)
  expect(JSON.stringify(chatter.samples)).not.toContain('nobody')
})

test('while a source is away nothing is said: silence is unknown, not zero', async () => {
  await using jetstream = await startJetstream()
  await using chatter = follow([{ kind: 'jetstream', url: jetstream.url }])
  await expect.poll(() => chatter.samples.length).toBeGreaterThan(0)
  jetstream.drop()
  await expect.poll(() => jetstream.connected()).toBe(1)
  const [count] = [chatter.samples.length]
  await expect.poll(() => chatter.samples.length).toBeGreaterThan(count)
  const gaps = chatter.samples.map(({ atMs }, i) => atMs - (chatter.samples[i - 1]?.atMs ?? atMs))
  expect(Math.max(...gaps)).toBeGreaterThan(900)
})

test('Mastodon: statuses of the stream are counted, boosts are not', async () => {
  const events = [
    ': thump',
    // By a pattern that looks for each tag's end anew, this one would hold up the watch for hours.
    `event: update\ndata: ${JSON.stringify({ content: '<'.repeat(900_000), reblog: null })}`,
    `event: update\ndata: ${JSON.stringify({ content: '<p>ugh, <b>shop</b> down</p>', reblog: null })}`,
    `event: update\ndata: ${JSON.stringify({ content: '', reblog: { content: 'shop down' } })}`,
    'event: delete\ndata: 1',
  ]
  const headers: unknown[] = []
  await using server = await serveLocally((request, response) => {
    headers.push(request.url, request.headers.authorization)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    setTimeout(() => response.write(`${events.join('\n\n')}\n\n`), 300)
  })
  await using chatter = follow([{ kind: 'mastodon', url: server.url, token: 'a-token' }])
  await expect.poll(() => chatter.total()).toBe(1)
  expect(headers.slice(0, 2)).toEqual(['/api/v1/streaming/public', 'Bearer a-token'])
})

/** Counts who comes to it, by TCP, and answers every request with `answer`. */
async function startSomething(answer: (response: ServerResponse) => void) {
  let visitors = 0
  const local = await serveLocally((_request, response) => answer(response))
  local.server.on('upgrade', (request, socket: Socket) => {
    const response = new ServerResponse(request)
    response.assignSocket(socket)
    answer(response)
  })
  local.server.on('connection', () => visitors++)
  return { ...local, visitors: () => visitors }
}

const KINDS = [
  { kind: 'jetstream', scheme: 'ws' },
  { kind: 'mastodon', scheme: 'http' },
] as const

describe.each(KINDS)('$kind: where a name or an address leads is looked at', ({ kind, scheme }) => {
  test.each([
    '127.0.0.1',
    'localhost',
    '0.0.0.0',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '169.254.169.254',
    '[fe80::1]',
    '[fd00::1]',
  ])('%s is not connected to', async (host) => {
    await using inside = await startSomething((response) => void response.end('credentials'))
    await using chatter = follow([{ kind, url: `${scheme}://${host}:${inside.port}` }], {
      allowPrivate: false,
    })
    await expect.poll(() => chatter.troubles[0]).toMatch(/not (?:a )?public.*chatter\.allowPrivate/)
    expect(inside.visitors()).toBe(0)
  })

  test('a public name whose answer is private is not connected to, among public ones either', async () => {
    await using inside = await startSomething((response) => void response.end('credentials'))
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '::1', '169.254.169.254', '10.0.0.1']) {
      const resolve = async () => [{ address, family: address.includes(':') ? (6 as const) : (4 as const) }]
      await using chatter = follow([{ kind, url: `${scheme}://social.example:${inside.port}` }], {
        allowPrivate: false,
        resolve,
      })
      await expect.poll(() => chatter.troubles[0]).toContain(`leads to ${address}, which is not public`)
    }
    expect(inside.visitors()).toBe(0)
  })

  test('what was looked at is what is connected to: a second answer of the resolver is not asked for', async () => {
    let questions = 0
    await using outside = await startSomething((response) => void response.writeHead(503).end())
    // Nobody but this resolver knows the name.
    await using chatter = follow([{ kind, url: `${scheme}://social.example:${outside.port}` }], {
      resolve: async () => {
        questions++
        return [{ address: '127.0.0.1', family: 4 }]
      },
    })
    await expect.poll(() => chatter.troubles[0]).toContain('It answers 503')
    expect([questions, outside.visitors()]).toEqual([1, 1])
  })

  test.each(['http://169.254.169.254/latest/meta-data/', 'inside'])(
    'a redirect to %s is not followed',
    async (where) => {
      await using inside = await startSomething((response) => void response.end('credentials'))
      const location = where === 'inside' ? `http://127.0.0.1:${inside.port}/` : where
      await using outside = await startSomething(
        (response) => void response.writeHead(302, { location }).end(),
      )
      await using chatter = follow([{ kind, url: `${scheme}://127.0.0.1:${outside.port}` }])
      // It is asked again, and nobody else is.
      await expect.poll(() => chatter.troubles.length).toBeGreaterThanOrEqual(2)
      expect(chatter.troubles.every((trouble) => trouble.startsWith('It answers 302'))).toBe(true)
      expect(inside.visitors()).toBe(0)
    },
  )
})

/** A frame as a server sends it. */
function frame(opcode: number, text: string, isFinal = true): Buffer {
  const payload = Buffer.from(text)
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255]
  return Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | opcode, ...length]), payload])
}

async function readAll(bytes: Buffer, pieceBytes: number) {
  const said: Buffer[] = []
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, at) =>
    bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes),
  )
  const socket = new Duplex({
    read() {
      this.push(pieces.shift() ?? null)
    },
    write(chunk: Buffer, _encoding, done) {
      said.push(chunk)
      done()
    },
  })
  const texts: string[] = []
  for await (const text of readWebSocket(socket, { silenceMs: 60_000, onSilence: () => {} })) texts.push(text)
  return { texts, said: Buffer.concat(said) }
}

describe('WebSocket', () => {
  test.each([1, 3, 70_000])(
    'messages are whole, however they come in (%i bytes at a time)',
    async (pieceBytes) => {
      const bytes = Buffer.concat([
        frame(1, 'one'),
        frame(1, 'two, in ', false),
        frame(9, 'are you there?'),
        frame(0, 'parts', false),
        frame(0, ''),
        frame(2, 'no text'),
        frame(1, 'ü'.repeat(300)),
        frame(8, ''),
        frame(1, 'after the end'),
      ])
      const { texts, said } = await readAll(bytes, pieceBytes)
      expect(texts).toEqual(['one', 'two, in parts', 'ü'.repeat(300)])
      // A pong, masked as a client's frames have to be.
      expect([said[0], said[1]]).toEqual([0x8a, 0x80 | 'are you there?'.length])
      const mask = said.subarray(2, 6)
      const answered = said.subarray(6, 6 + 'are you there?'.length).map((byte, at) => byte ^ mask[at % 4]!)
      expect(Buffer.from(answered).toString()).toBe('are you there?')
    },
  )

  test.each([
    ['a message that claims more than a post has', Buffer.from([0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0])],
    [
      'a message of endless parts',
      Buffer.concat(Array.from({ length: 1_100 }, (_, i) => frame(i === 0 ? 1 : 0, '', false))),
    ],
    ['a masked frame', Buffer.from([0x81, 0x80, 0, 0, 0, 0])],
    ['a frame of an extension', Buffer.from([0xc1, 0])],
    ['a continuation of nothing', frame(0, 'x')],
    ['a new message within another', Buffer.concat([frame(1, 'x', false), frame(1, 'y')])],
    ['a control frame in parts', frame(9, 'x', false)],
    ['a control frame that is too long', frame(9, 'x'.repeat(126))],
  ])('%s ends it', async (_what, bytes) => {
    await expect(readAll(bytes, 1_000)).rejects.toThrow(/longer|order|protocol/)
  })
})

test('words stand by themselves, in any case and spacing', () => {
  const isMention = matchWords(['x down', "isn't working", '#xdown'])
  expect(['X is fine, Y down', 'xx down', 'x downtown', 'max downloads'].filter(isMention)).toEqual([])
  expect(['X  down!', '(x down)', 'it isn’t working', 'look #XDown'].filter(isMention)).toHaveLength(4)
})
