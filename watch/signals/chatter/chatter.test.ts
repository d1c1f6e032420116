import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test } from 'vitest'
import type { ChatterSample } from '../../../engines/detect/types.ts'
import { systemClock } from '../../../kit/clock.ts'
import { createLog } from '../../../kit/log.ts'
import type { WatchCtx } from '../../app/context.ts'
import { ServiceEntry } from '../../configuration/index.ts'
import { followChatter } from './follow-chatter.ts'
import { matchWords } from './words.ts'

const log = createLog({ level: 'silent', base: {} })
// Of the context it uses the clock and the log.
const ctx = { clock: systemClock, log } as WatchCtx

/** A WebSocket server for one thing: to send texts (RFC 6455, frames of up to 65,535 bytes). */
async function startJetstream() {
  const sockets = new Set<Socket>()
  const paths: string[] = []
  const server = createServer()
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
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/subscribe`,
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
      server.close()
    },
  }
}

const post = (text: string, operation = 'create') => ({
  did: 'did:plc:nobody',
  time_us: 1,
  kind: 'commit',
  commit: { operation, collection: 'app.bsky.feed.post', record: { $type: 'app.bsky.feed.post', text } },
})

function follow(sources: unknown[]) {
  const samples: ChatterSample[] = []
  const entry = ServiceEntry.parse({
    id: 'shop',
    name: 'Shop',
    url: 'https://shop.example',
    features: [{ id: 'cart', name: 'Cart' }],
    chatter: { words: ['shop down', 'is shop down'], sources, allowPrivate: true },
  })
  const following = followChatter(ctx, entry, (sample) => samples.push(sample), { sampleEveryMs: 50 })
  return {
    samples,
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
  const server = createServer((request, response) => {
    headers.push(request.url, request.headers.authorization)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    setTimeout(() => response.write(`${events.join('\n\n')}\n\n`), 300)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  {
    await using chatter = follow([{ kind: 'mastodon', url, token: 'a-token' }])
    await expect.poll(() => chatter.total()).toBe(1)
    expect(headers.slice(0, 2)).toEqual(['/api/v1/streaming/public', 'Bearer a-token'])
  }
  server.closeAllConnections()
  server.close()
})

test('Mastodon: a redirect is not followed: where it leads was not looked at', async () => {
  const paths: unknown[] = []
  const server = createServer((request, response) => {
    paths.push(request.url)
    response.writeHead(302, { location: '/elsewhere' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  {
    await using _chatter = follow([{ kind: 'mastodon', url }])
    // It is asked again, and never elsewhere.
    await expect.poll(() => paths.length, { timeout: 5_000 }).toBe(2)
  }
  expect(new Set(paths)).toEqual(new Set(['/api/v1/streaming/public']))
  server.closeAllConnections()
  server.close()
})

test('words stand by themselves, in any case and spacing', () => {
  const isMention = matchWords(['x down', "isn't working", '#xdown'])
  expect(['X is fine, Y down', 'xx down', 'x downtown', 'max downloads'].filter(isMention)).toEqual([])
  expect(['X  down!', '(x down)', 'it isn’t working', 'look #XDown'].filter(isMention)).toHaveLength(4)
})
