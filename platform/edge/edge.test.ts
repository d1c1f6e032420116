import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { v7 as uuidv7 } from 'uuid'
import { expect, test, vi } from 'vitest'
import { edgeDocument, EDGE_MEDIA_KEY, startEdge } from '../../tests/support/edge-process.ts'
import { openFaultyOrigin, segmentBytesOf } from '../../tests/support/faulty-origin.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import { signMediaToken } from '../modules/videos/index.ts'

test('an edge keeps a segment, serves its parts, checks tokens, and goes on with its origin dead', async () => {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin()
  await using edge = await startEdge({
    dir: dir.path,
    document: edgeDocument({ origins: [{ name: 'home', url: origin.url }] }),
    env: { EDGE_JUDGE_S: '1' },
  })
  const [open, hidden] = [uuidv7(), uuidv7()]
  const path = `/media/${open}/g1/v540/00000.m4s`
  const ask = async (of: string, headers: Record<string, string> = {}) => {
    const response = await fetch(edge.url + of, { headers })
    return {
      status: response.status,
      headers: response.headers,
      body: Buffer.from(await response.arrayBuffer()),
    }
  }
  const fetchesOf = (of: string) => origin.asked.filter((each) => each.path === of).length

  const missed = await ask(path)
  const hit = await ask(path, { range: 'bytes=100-199' })
  expect([missed.body.equals(segmentBytesOf(path)), missed.headers.get('cache-status')]).toEqual([
    true,
    'edge-one; fwd=miss; stored',
  ])
  expect([hit.status, hit.body.equals(segmentBytesOf(path).subarray(100, 200))]).toEqual([206, true])
  const preflight = await fetch(edge.url + path, { method: 'OPTIONS' })
  expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
    204,
    expect.stringContaining('priority'),
  ])
  expect([hit.headers.get('cache-status'), fetchesOf(path)]).toEqual(['edge-one; hit', 1])

  const picture = `/media/${open}/poster-1.jpg`
  await ask(picture)
  expect([(await ask(picture)).headers.get('cache-status'), fetchesOf(picture)]).toEqual(['edge-one; hit', 1])
  await edge.release(
    JSON.stringify(edgeDocument({ generation: 2, purged: 1, origins: [{ name: 'home', url: origin.url }] })),
  )
  await vi.waitFor(async () => expect((await edge.status()).generation).toBe(2), 15_000)
  // nginx holds a file open for a second; who judges the document asks for what was asked for, and may be the one who misses it.
  await vi.waitFor(async () => {
    await ask(path)
    expect(fetchesOf(path)).toBe(2)
  }, 60_000)
  // A connection that was open then is served by the generation before, once more.
  await vi.waitFor(async () => {
    await ask(picture)
    expect([fetchesOf(path), fetchesOf(picture)]).toEqual([2, 2])
  }, 60_000)

  const token = signMediaToken(EDGE_MEDIA_KEY, hidden, new Date())
  const file = `${hidden}/g1/v540/00000.m4s`
  const withToken = await ask(`/media/t/${token}/${file}`)
  const withWrong = await ask(`/media/t/${signMediaToken('another key', hidden, new Date())}/${file}`)
  expect([withToken.status, withWrong.status]).toEqual([200, 404])
  expect(withToken.headers.get('cache-control')).toMatch(/^private, max-age=\d+, immutable$/)

  origin.be('fails')
  // What was fetched with a token opens nothing to who has none: it is asked for anew.
  const withoutToken = await ask(`/media/${file}`)
  expect([withoutToken.status, fetchesOf(`/media/${file}`) > 0]).toEqual([503, true])
  expect((await ask(path)).body.equals(segmentBytesOf(path))).toBe(true)
})

test('one address gets no more than the document says, and others what they ask for', async () => {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin()
  const document = edgeDocument({ origins: [{ name: 'home', url: origin.url }] })
  const perAddress = { requestsPerS: 1, segmentsPerS: 1_000, connections: 64 }
  await using edge = await startEdge({
    dir: dir.path,
    document: { ...document, limits: { ...document.limits, perAddress } },
    env: { EDGE_JUDGE_S: '1' },
  })
  const segment = `/media/${uuidv7()}/g1/v540/00000.m4s`
  const askOften = (localAddress: string, path: string) =>
    Promise.all(Array.from({ length: 40 }, () => askFrom(localAddress, new URL(path, edge.url))))
  const isRefused = ({ statusCode }: IncomingMessage) => statusCode === 429

  const [pages, segments, others] = [
    await askOften('127.0.0.7', '/api/v1/instance'),
    await askOften('127.0.0.7', segment),
    await askFrom('127.0.0.8', new URL('/api/v1/instance', edge.url)),
  ]
  const refused = pages.filter(isRefused)
  expect([refused.length > 0, refused.length < 40]).toEqual([true, true])
  expect(refused[0]!.headers).toMatchObject({
    'retry-after': '1',
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  })
  expect([segments.filter(isRefused), others.statusCode]).toEqual([[], 200])
  // Proxies and checks of the machine itself.
  expect((await askOften('127.0.0.1', '/api/v1/instance')).filter(isRefused)).toEqual([])
})

test('who belongs to a closed region gets the origin’s word, and nothing of what is kept', async () => {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin()
  await using edge = await startEdge({
    dir: dir.path,
    document: edgeDocument({
      origins: [{ name: 'home', url: origin.url }],
      passedOn: ['127.9.0.0/16'],
    }),
    env: { EDGE_JUDGE_S: '1' },
  })
  const segment = new URL(`/media/${uuidv7()}/g1/v540/00000.m4s`, edge.url)
  const fetches = () => origin.asked.filter(({ path }) => path === segment.pathname).length
  expect((await askFrom('127.0.0.1', segment)).statusCode).toBe(200)
  expect((await askFrom('127.8.0.1', segment)).statusCode).toBe(200)
  expect(fetches()).toBe(1)

  const answer = await askFrom('127.9.0.1', segment)
  expect([answer.statusCode, answer.headers['cache-status'], fetches()]).toEqual([
    200,
    'edge-one; fwd=bypass',
    2,
  ])
  origin.be('fails')
  expect((await askFrom('127.9.0.1', segment)).statusCode).toBeGreaterThanOrEqual(500)
  expect((await askFrom('127.8.0.1', segment)).statusCode).toBe(200)
})

async function askFrom(localAddress: string, url: URL): Promise<IncomingMessage> {
  const [answer] = (await once(get(url, { localAddress, agent: false }), 'response')) as [IncomingMessage]
  return answer.resume()
}

test('origins over HTTPS have to show a certificate of their own name, to the agent and to nginx', async () => {
  await using dir = await makeTemporaryDir()
  await using server = await openSecureOrigin(dir.path)
  const { port } = server
  const origin = { name: 'home', url: `https://localhost:${port}` }
  const stranger = { name: 'home', url: `https://127.0.0.1:${port}` }
  await using edge = await startEdge({
    dir: dir.path,
    document: edgeDocument({ origins: [origin] }),
    env: { EDGE_CA_FILE: server.certificatePath, EDGE_JUDGE_S: '1' },
  })
  const status = async (path: string) => (await fetch(edge.url + path)).status

  // The first goes through the agent, the second straight on.
  expect([await status('/api/v1/instance'), await status('/api/v1/me')]).toEqual([200, 200])
  const { documentHash } = await edge.status()
  await edge.release(JSON.stringify(edgeDocument({ generation: 2, origins: [stranger] })))
  await vi.waitFor(async () => expect((await edge.status()).quarantined).toHaveLength(1), 10_000)
  expect((await edge.status()).documentHash).toBe(documentHash)
})

/** With a certificate for `localhost`, and not for its address. */
async function openSecureOrigin(dir: string) {
  const [keyPath, certificatePath] = [join(dir, 'origin.key'), join(dir, 'origin.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  await promisify(execFile)('openssl', [
    ...['req', ...kind, ...subject, '-keyout', keyPath, '-out', certificatePath],
  ])
  const server = createServer(
    { key: await readFile(keyPath), cert: await readFile(certificatePath) },
    (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    certificatePath,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}
