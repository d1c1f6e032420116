import { createHash } from 'node:crypto'
import { request as sendHttp, Agent } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProofChallenge } from '../../../contract/proofs.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { accountRoutes, SESSION_COOKIE } from '../../modules/accounts/index.ts'
import { proofRoutes } from '../../modules/proofs/index.ts'
import { mountApi } from '../../roles/mount.ts'
import type { Ctx } from '../context.ts'
import type { AbuseConfig } from '../config.ts'
import type { App, Routes } from '../http.ts'
import { issuePass } from './passes.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const things: Routes = (app) => {
  app.get('/things', async () => ({ isThing: true }))
}

interface Served extends AsyncDisposable {
  readonly ctx: Ctx
  /** @param from an address of 127.0.0.0/8 */
  get(
    from: string,
    path: string,
    more?: { headers?: Record<string, string>; body?: unknown },
  ): Promise<Answer>
  dial(from: string): Promise<'open' | 'closed'>
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Record<string, unknown>
}

async function serve(abuse: Partial<AbuseConfig>, trustedProxies: readonly string[] = []): Promise<Served> {
  const config = { ...world.ctx.config, trustedProxies, abuse: { ...world.ctx.config.abuse, ...abuse } }
  const ctx = { ...world.ctx, config }
  const app: App = await mountApi(ctx, [things, proofRoutes, accountRoutes], { isPublic: true })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const agent = new Agent()
  return {
    ctx,
    get: (from, path, { headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body)
        const sent = sendHttp(
          {
            ...{ host: '127.0.0.1', port, path, localAddress: from, agent },
            method: text === undefined ? 'GET' : 'POST',
            headers: { ...headers, ...(text !== undefined && { 'content-type': 'application/json' }) },
          },
          (response) => {
            let received = ''
            response.setEncoding('utf8').on('data', (part: string) => (received += part))
            response.once('end', () =>
              resolve({
                status: response.statusCode!,
                headers: response.headers,
                body: received ? (JSON.parse(received) as Record<string, unknown>) : {},
              }),
            )
          },
        )
        sent.once('error', reject).end(text)
      }),
    dial: (from) =>
      new Promise((resolve) => {
        const socket = connect({ port, host: '127.0.0.1', localAddress: from })
        socket.once('error', () => resolve('closed')).once('close', () => resolve('closed'))
        socket.once('connect', () => socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'))
        socket.once('data', () => resolve('open'))
      }),
    async [Symbol.asyncDispose]() {
      agent.destroy()
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

const RATES = { addressPerS: 1, networkPerS: 100, personPerS: 1 }

test('beyond its burst an address hears when to come again, and this machine itself is never counted', async () => {
  await using served = await serve({ rates: RATES })
  for (let at = 0; at < 10; at++) expect((await served.get('127.0.0.2', '/api/v1/things')).status).toBe(200)
  const refused = await served.get('127.0.0.2', '/api/v1/things')
  expect(refused).toMatchObject({ status: 429, body: { code: 'too-many-requests', retryAfterS: 1 } })
  expect(refused.headers['retry-after']).toBe('1')
  for (let at = 0; at < 12; at++) expect((await served.get('127.0.0.1', '/api/v1/things')).status).toBe(200)
})

test('a device that somebody has signed in on is counted by itself, and its cookie can not be made up', async () => {
  await using served = await serve({ rates: RATES, proofOfWork: 'always' })
  const { name, value } = issuePass(served.ctx.secrets.session, 'device', Date.now())
  const cookie = `${name}=${value}`
  expect((await served.get('127.0.0.3', '/api/v1/things', { headers: { cookie } })).status).toBe(200)
  const forged = `${name}=${value.slice(0, -1)}${value.endsWith('A') ? 'B' : 'A'}`
  const answer = await served.get('127.0.0.3', '/api/v1/things', { headers: { cookie: forged } })
  expect(answer.body['code']).toBe('proof-wanted')
  for (let at = 0; at < 9; at++) await served.get('127.0.0.4', '/api/v1/things', { headers: { cookie } })
  expect((await served.get('127.0.0.5', '/api/v1/things', { headers: { cookie } })).status).toBe(429)
})

test('two sessions of one account share what it may ask for', async () => {
  await using served = await serve({ rates: { ...RATES, addressPerS: 100 } })
  const person = await world.account()
  const signedIn = await served.get('127.0.0.8', '/api/v1/sessions', {
    body: { identifier: person.handle, password: person.password },
  })
  const cookie = [signedIn.headers['set-cookie']].flat().find((each) => each?.startsWith(SESSION_COOKIE))!
  const ask = async (headers: { cookie: string }) =>
    (await served.get('127.0.0.8', '/api/v1/things', { headers })).status
  const onLaptop = { cookie: cookie.split(';')[0]! }
  expect([await ask(onLaptop), await ask(person.headers)]).toEqual([200, 200])
  let asked = 0
  while ((await ask(person.headers)) !== 429) expect(++asked).toBeLessThan(100)
  // By itself the other one would have nine left.
  expect(await Promise.all(Array.from({ length: 5 }, () => ask(onLaptop)))).toContain(429)
})

test('a stranger who is asked for it proves work, once, and goes on with the cookie', async () => {
  await using served = await serve({ rates: { ...RATES, addressPerS: 100 }, proofOfWork: 'always' })
  const asked = await served.get('127.0.0.6', '/api/v1/things')
  expect(asked).toMatchObject({ status: 429, body: { code: 'proof-wanted' } })
  const { body } = await served.get('127.0.0.6', '/api/v1/proof')
  const { algorithm, challenge, maxNumber, salt, signature } = body as ProofChallenge
  const hash = (number: number) => createHash('sha256').update(`${salt}${number}`).digest('hex')
  const number = Array.from({ length: maxNumber + 1 }, (_, at) => at).find((at) => hash(at) === challenge)
  const solution = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }))
  const given = await served.get('127.0.0.6', '/api/v1/proof', { body: { solution } })
  expect(given.status).toBe(204)
  const cookie = String(given.headers['set-cookie']).split(';')[0]!
  expect((await served.get('127.0.0.6', '/api/v1/things', { headers: { cookie } })).status).toBe(200)
  const again = await served.get('127.0.0.6', '/api/v1/proof', { body: { solution } })
  expect(again).toMatchObject({ status: 400, body: { code: 'invalid-input' } })
})

test('another way to write a path is no way around the proof', async () => {
  await using served = await serve({ rates: { ...RATES, addressPerS: 100 }, proofOfWork: 'always' })
  const paths = [
    '/%61pi/v1/things',
    '/api%2Fv1/things',
    'http://other.example/api/v1/things',
    '/%zz',
    '/m%65dia/x',
  ]
  for (const path of paths)
    expect((await served.get('127.0.0.10', path)).body['code'], path).toBe('proof-wanted')
})

test('behind a trusted proxy its word counts, and it may hold more connections than one address', async () => {
  await using served = await serve({ rates: RATES, connections: { perAddress: 1, perNetwork: 2 } }, [
    '127.0.0.7',
  ])
  const via = (client: string) =>
    served.get('127.0.0.7', '/api/v1/things', { headers: { 'x-forwarded-for': client } })
  for (let at = 0; at < 10; at++) expect((await via('192.0.2.1')).status).toBe(200)
  expect((await via('192.0.2.1')).status).toBe(429)
  expect((await via('192.0.2.2')).status).toBe(200)
  expect(await Promise.all([1, 2, 3, 4].map(() => served.dial('127.0.0.7')))).not.toContain('closed')
  served.ctx.blocks.set([{ network: '192.0.2.0/24' }])
  expect(await via('192.0.2.3')).toMatchObject({ status: 403, body: { code: 'blocked' } })
  served.ctx.blocks.set([])
})

test('an address and its network hold so many connections, and not one more', async () => {
  await using served = await serve({ connections: { perAddress: 2, perNetwork: 3 } })
  expect(await served.dial('127.0.1.1')).toBe('open')
  expect(await served.dial('127.0.1.1')).toBe('open')
  expect(await served.dial('127.0.1.1')).toBe('closed')
  expect(await served.dial('127.0.1.2')).toBe('open')
  expect(await served.dial('127.0.1.3')).toBe('closed')
  expect(await served.dial('127.0.2.1')).toBe('open')
})
