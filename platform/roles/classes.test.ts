import { expect, test } from 'vitest'
import { createWorld } from '../../tests/support/world.ts'
import { createApi } from './api.ts'
import { CLASSES, ruleOfRoute } from './classes.ts'
import { OPERATIONS } from './operations.ts'

const described = Object.values(OPERATIONS).flatMap((operations) =>
  Object.keys(operations).map((name) => name.replaceAll(/\{(\w+)\}/g, ':$1')),
)

test.each(described)('%s has a class', (name) => {
  const [method, path] = name.split(' ') as [string, string]
  expect(ruleOfRoute(method, `/api/v1${path}`)).toBeDefined()
})

test('a class is given to nothing that is not there', () => {
  const hidden = ['HEAD /uploads/:id', 'POST /uploads/:id', 'OPTIONS /uploads', 'OPTIONS /uploads/:id']
  expect(Object.keys(CLASSES).toSorted()).toEqual([...described, ...hidden].toSorted())
})

test('what is being watched goes before the feed, the feed before likes, and those before views', () => {
  const classes = [
    ruleOfRoute('GET', '/media/*'),
    ruleOfRoute('GET', '/api/v1/feed/for-you'),
    ruleOfRoute('PUT', '/api/v1/videos/:id/like'),
    ruleOfRoute('POST', '/api/v1/views'),
  ].map((rule) => rule?.class)
  expect(classes).toEqual([0, 1, 2, 3])
})

test('the browser of an operator is told once that its requests go first; one who signs out is forgotten', async () => {
  await using world = await createWorld({ env: { ADMISSION: 'on', PROTECTIONS_OFF: 'levels' } })
  const account = await world.account()
  await world.ctx.db
    .updateTable('account')
    .set({ role: 'operator' } as never)
    .where('id', '=', account.id as never)
    .execute()
  const app = await createApi(world.ctx)
  await using _closing = { [Symbol.asyncDispose]: () => app.close() }
  const hintsGivenTo = async (cookie?: string) => {
    const answer = await app.inject({ url: '/api/v1/me', headers: cookie ? { cookie } : {} })
    return [answer.headers['set-cookie'] ?? []].flat().filter((each) => each.startsWith('upbeat.hint='))
  }

  const [told] = await hintsGivenTo(account.headers.cookie)
  const hint = told!.split(';')[0]!

  expect(hint).toMatch(new RegExp(`^upbeat\\.hint=${account.id}\\.0\\.`))
  expect(await hintsGivenTo(`${account.headers.cookie}; ${hint}`)).toEqual([])
  expect(await hintsGivenTo()).toEqual([])
  expect(await hintsGivenTo(hint)).toEqual([expect.stringMatching(/^upbeat\.hint=; .*Max-Age=0/)])
})
