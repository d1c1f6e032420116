/** Orders over HTTP, on a running product with its supervisor, and on a process that has none. */
import { expect, test } from 'vitest'
import type {
  AuditEntry,
  OperationsHistory,
  OperationsState,
  OrderAnswer,
} from '../../../contract/operations.ts'
import type { Problem } from '../../../contract/problem.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { startProduct, type Product } from '../../../tests/support/product.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { createApi } from '../../roles/api.ts'

const TOKEN = 'a-token-for-prometheus'

async function signUp({ url }: Product, body: object): Promise<string> {
  const response = await fetch(`${url}/api/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ password: 'correct horse battery', ...body }),
  })
  expect(response.status).toBeLessThan(300)
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

function clientOf({ url }: Product, cookie: string) {
  const send = async <T>(path: string, init: RequestInit = {}) => {
    const response = await fetch(`${url}/api/v1/operations/${path}`, {
      ...init,
      headers: { cookie, 'content-type': 'application/json', ...init.headers },
    })
    return { status: response.status, body: (await response.json()) as T }
  }
  return {
    get: <T>(path: string) => send<T>(path),
    give: <T = OrderAnswer>(order: object, headers: Record<string, string> = {}) =>
      send<T>('orders', { method: 'POST', body: JSON.stringify(order), headers }),
  }
}

test('an operator sees everything and gives orders; nobody else does', async () => {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: { METRICS_TOKEN: TOKEN } })
  await product.settled()
  const operatorToken = new URLSearchParams((await product.operatorPath()).split('?')[1]).get('token')
  const operator = clientOf(product, await signUp(product, { handle: 'alex', operatorToken }))
  const member = clientOf(product, await signUp(product, { handle: 'robin' }))
  const pause = { type: 'pause-feature', feature: 'search', reason: 'A bad index', forS: 600 }

  const state = await operator.get<OperationsState>('state')
  expect(state).toMatchObject({ status: 200, body: { service: { level: 0 }, orders: { features: [] } } })
  expect(state.body.roles.map(({ role, state: its }) => `${role} ${its}`)).toEqual([
    'ingest ready',
    'api ready',
    'worker ready',
  ])
  await eventually(
    async () => (await operator.get<OperationsState>('state')).body.jobs.queues,
    (queues) => queues.some(({ waiting }) => waiting !== null),
  )
  const history = await operator.get<OperationsHistory>('history?after=0')
  expect(history.body.level).toHaveLength(history.body.at.length)
  expect((await operator.get<OperationsHistory>(`history?after=${Date.now()}`)).body.at).toEqual([])

  expect((await operator.give(pause)).body.outcome.state).toBe('done')
  await eventually(async () => (await fetch(`${product.url}/api/v1/search?q=x`)).status === 503)
  expect((await operator.give({ type: 'resume-feature', feature: 'search' })).status).toBe(200)
  const refused = await operator.give<Problem>({ type: 'resume-feature', feature: 'search' })
  expect(refused).toMatchObject({ status: 409, body: { code: 'order-refused' } })
  expect(await operator.give({ ...pause, forS: 1 })).toMatchObject({ status: 400 })
  expect(await operator.give(pause, { origin: 'https://elsewhere.example' })).toMatchObject({ status: 403 })
  const { items } = (await operator.get<{ items: AuditEntry[] }>('audit')).body
  expect(items.map(({ order, outcome }) => `${order.type} ${outcome.state}`)).toEqual([
    'resume-feature refused',
    'resume-feature done',
    'pause-feature done',
  ])
  expect(items[0]!.who).toMatchObject({ kind: 'operator', handle: 'alex' })

  for (const path of ['state', 'history', 'audit']) {
    expect(await member.get(path)).toMatchObject({ status: 403, body: { code: 'not-allowed' } })
    expect(await clientOf(product, '').get(path)).toMatchObject({ status: 401 })
  }
  expect(await member.give(pause)).toMatchObject({ status: 403 })
  expect(await clientOf(product, '').give(pause)).toMatchObject({ status: 401 })

  const metrics = (authorization: string) => fetch(`${product.url}/metrics`, { headers: { authorization } })
  const read = await metrics(`Bearer ${TOKEN}`)
  expect(read.headers.get('content-type')).toContain('version=0.0.4')
  expect(await read.text()).toMatch(/^upbeat_level 0$/m)
  expect((await metrics('Bearer another')).status).toBe(403)
  expect((await fetch(`${product.url}/metrics`)).status).toBe(403)
})

test('without a supervisor an operator is told so, and without a token there are no metrics', async () => {
  await using world = await createWorld()
  const account = await world.account()
  await world.ctx.db
    .updateTable('account')
    .set({ role: 'operator' } as never)
    .where('id', '=', account.id as never)
    .execute()
  const app = await createApi(world.ctx)
  await using _closing = { [Symbol.asyncDispose]: () => app.close() }
  const answer = await app.inject({ url: '/api/v1/operations/state', headers: account.headers })
  expect(answer.json()).toMatchObject({ status: 503, code: 'no-supervisor' })
  const metrics = await app.inject({ url: '/metrics', headers: { authorization: `Bearer ${TOKEN}` } })
  expect(metrics.headers['content-type']).not.toContain('version=0.0.4')
})
