import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { serveLocally } from '../../tests/support/local-server.ts'
import { sendGuarded, type GuardedRequest } from './guarded-request.ts'
import { ResolveError } from './resolve-host.ts'

async function serve(handle: RequestListener) {
  const local = await serveLocally(handle)
  return {
    ...local,
    send: (options: Partial<GuardedRequest> = {}) =>
      sendGuarded({ url: local.url, timeoutMs: 10_000, allowPrivate: true, ...options }),
  }
}

test('an answer comes with the time of each phase', async () => {
  await using server = await serve((_request, response) => response.end('hello'))
  const answer = await server.send()
  expect(answer).toMatchObject({ status: 200, isBodyCut: false, redirects: 0, address: '127.0.0.1' })
  expect(answer.body.toString()).toBe('hello')
  expect(Object.keys(answer.phases).sort()).toEqual(['connectMs', 'dnsMs', 'firstByteMs', 'transferMs'])
})

test('a private address is refused unless it is allowed', async () => {
  await using server = await serve((_request, response) => response.end('secret'))
  await expect(server.send({ allowPrivate: false })).rejects.toMatchObject({ kind: 'private' })
})

test('what tells a cloud’s secrets is refused, whatever is allowed, and whoever leads there', async () => {
  for (const url of ['http://169.254.169.254/', 'http://[fd00:ec2::254]/', 'http://[::ffff:a9fe:a9fe]/'])
    await expect(sendGuarded({ url, timeoutMs: 5_000, allowPrivate: true })).rejects.toMatchObject({
      kind: 'private',
    })
  await using server = await serve((_request, response) =>
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  )
  await expect(server.send({ maxRedirects: 1 })).rejects.toMatchObject({ kind: 'private', redirects: 1 })
})

test('a redirect into a private range is refused, whoever sends it', async () => {
  let asked = 0
  await using inside = await serve((_request, response) => {
    asked++
    response.end('credentials')
  })
  await using outside = await serve((_request, response) =>
    response.writeHead(302, { location: `${inside.url}/latest/meta-data/` }).end(),
  )
  // The first hop counts as public here, the second is what it is.
  const resolve = async (host: string) =>
    host === 'outside.example'
      ? [{ address: '127.0.0.1', family: 4 as const }]
      : Promise.reject(new Error(host))
  const port = new URL(outside.url).port
  await expect(
    sendGuarded({ url: `http://outside.example:${port}/`, timeoutMs: 5_000, maxRedirects: 3, resolve }),
  ).rejects.toMatchObject({ kind: 'private' })
  await expect(outside.send({ maxRedirects: 0 })).resolves.toMatchObject({ status: 302 })
  expect(asked).toBe(0)
})

test('what was checked is what is connected to: a second answer of the resolver can not differ', async () => {
  await using server = await serve((_request, response) => response.end())
  let questions = 0
  const resolve = async () => {
    questions++
    return [{ address: '127.0.0.1', family: 4 as const }]
  }
  const { port } = new URL(server.url)
  await sendGuarded({ url: `http://name.example:${port}/`, timeoutMs: 5_000, allowPrivate: true, resolve })
  expect(questions).toBe(1)
})

test('credentials do not follow a redirect to another origin', async () => {
  const seen: unknown[] = []
  await using second = await serve((request, response) => {
    seen.push(request.headers.authorization, request.headers['accept-language'])
    response.end()
  })
  await using first = await serve((_request, response) =>
    response.writeHead(307, { location: second.url }).end(),
  )
  const headers = { authorization: 'Bearer secret', 'accept-language': 'de' }
  expect(await first.send({ headers, maxRedirects: 1 })).toMatchObject({ status: 200, redirects: 1 })
  expect(seen).toEqual([undefined, 'de'])
})

test('no other secret follows one either, nor what was sent', async () => {
  const seen: unknown[] = []
  await using second = await serve((request, response) => {
    seen.push(request.headers['x-api-key'], request.headers['user-agent'])
    response.end()
  })
  await using first = await serve((_request, response) =>
    response.writeHead(307, { location: second.url }).end(),
  )
  const headers = { 'x-api-key': 'secret', 'user-agent': 'Upbeat' }
  expect(await first.send({ headers, maxRedirects: 1 })).toMatchObject({ status: 200 })
  expect(seen).toEqual([undefined, 'Upbeat'])

  await expect(
    first.send({ method: 'POST', body: 'token=secret', headers, maxRedirects: 1 }),
  ).rejects.toMatchObject({ kind: 'redirects' })
  expect(seen).toHaveLength(2)
})

test('an endless body is read up to its bound', async () => {
  await using server = await serve((_request, response) => {
    const pour = () => {
      while (response.write(Buffer.alloc(65_536)));
      response.once('drain', pour)
    }
    pour()
  })
  const answer = await server.send({ maxBodyBytes: 100_000 })
  expect(answer).toMatchObject({ isBodyCut: true })
  expect(answer.body.length).toBe(100_000)
})

test('a target that never answers is given up in time', async () => {
  await using server = await serve(() => {})
  await expect(server.send({ timeoutMs: 50 })).rejects.toMatchObject({ kind: 'timeout' })
})

test('a body that is cut off is no answer', async () => {
  await using server = await serve((_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    setImmediate(() => response.destroy())
  })
  await expect(server.send()).rejects.toMatchObject({ kind: 'connect' })
})

test('each kind of failure has its name', async () => {
  const closed = await serve(() => {})
  await closed[Symbol.asyncDispose]()
  await expect(closed.send()).rejects.toMatchObject({ kind: 'connect' })

  const noHttp = createTcpServer((socket) => socket.end('220 mail.example ESMTP\r\n')).listen(0, '127.0.0.1')
  await once(noHttp, 'listening')
  const { port } = noHttp.address() as AddressInfo
  await expect(
    sendGuarded({ url: `http://127.0.0.1:${port}/`, timeoutMs: 5_000, allowPrivate: true }),
  ).rejects.toMatchObject({ kind: 'protocol' })
  await expect(
    sendGuarded({ url: `https://127.0.0.1:${port}/`, timeoutMs: 5_000, allowPrivate: true }),
  ).rejects.toMatchObject({ kind: 'tls' })
  noHttp.close()

  const failing = (kind: 'no-answer' | 'no-resolver') =>
    sendGuarded({
      url: 'http://name.example/',
      timeoutMs: 5_000,
      resolve: () => Promise.reject(new ResolveError(kind, 'ENOTFOUND', 'name.example')),
    })
  await expect(failing('no-answer')).rejects.toMatchObject({ kind: 'dns' })
  await expect(failing('no-resolver')).rejects.toMatchObject({ kind: 'resolver' })
})
