import type { LightMyRequestResponse } from 'fastify'
import { expect, test } from 'vitest'
import { createWorld } from '../../tests/support/world.ts'
import { openContext, type Ctx } from '../app/context.ts'
import type { App } from '../app/http.ts'
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

test('what is being watched goes before pictures of the page, and those before the covers of a grid', () => {
  const { classOf } = ruleOfRoute('GET', '/media/*')!
  const video = '/media/0192aaaa-0000-7000-8000-000000000001'
  expect(
    [
      `${video}/g1/540.m3u8`,
      `${video}/g1/540/s1.m4s?u=7`,
      `${video}/poster-1.jpg`,
      `${video}/poster-1.jpg?u=7`,
    ].map((url) => classOf!(url)),
  ).toEqual([0, 0, 1, 3])
})

test('nothing that a sender adds to the address of a picture, or makes up, has it go with what is watched', () => {
  const { classOf } = ruleOfRoute('GET', '/media/*')!
  const video = '/media/0192aaaa-0000-7000-8000-000000000001'
  expect(
    [
      `${video}/poster-1.jpg?`,
      `${video}/poster-1.jpg?u=1`,
      `${video}/poster-1.jpg?.m4s`,
      `${video}/preview-1.webp?x=/g1/540.m3u8`,
      '/media/whatever',
    ].map((url) => classOf!(url)),
  ).toEqual([1, 1, 1, 1, 1])
})

/** The class that a page of the feed counts as. */
async function classIn({ vitals }: Ctx, app: App, cookie: string): Promise<number> {
  const admitted = () =>
    vitals
      .report()
      .doors.find(({ name }) => name === 'process')!
      .classes.map((each) => each.admitted)
  const before = admitted()
  await app.inject({ url: '/api/v1/feed/for-you', headers: { cookie } })
  return admitted().findIndex((count, rank) => count > before[rank]!)
}

/** An api with its door shut, an operator who is signed in, and what their requests count as. */
async function openScene() {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld({ env: { ADMISSION: 'on', PROTECTIONS_OFF: 'levels' } }))
  const account = await world.account()
  await world.ctx.db
    .updateTable('account')
    .set({ role: 'operator' } as never)
    .where('id', '=', account.id as never)
    .execute()
  const app = await createApi(world.ctx)
  stack.defer(() => app.close())
  const owned = stack.move()
  const hintsIn = ({ headers }: LightMyRequestResponse) =>
    [headers['set-cookie'] ?? []].flat().filter((each) => each.startsWith('upbeat.hint='))
  return {
    world,
    app,
    account,
    hintsIn,
    session: account.headers.cookie,
    hintsGivenTo: async (cookie?: string) =>
      hintsIn(await app.inject({ url: '/api/v1/me', headers: cookie ? { cookie } : {} })),
    /** Another session of the same operator. */
    async signInAgain(): Promise<string> {
      const { handle, password } = account
      const answer = await app.inject({
        method: 'POST',
        url: '/api/v1/sessions',
        payload: { identifier: handle, password },
      })
      return [answer.headers['set-cookie']].flat()[0]!.split(';')[0]!
    },
    classWith: (cookie: string) => classIn(world.ctx, app, cookie),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('the browser of an operator is told once that its requests go first; one who signs out is forgotten', async () => {
  await using scene = await openScene()
  const { account, session, hintsGivenTo } = scene

  const [told] = await hintsGivenTo(session)
  const hint = told!.split(';')[0]!

  expect(hint).toMatch(new RegExp(`^upbeat\\.hint=${account.id}\\.0\\.`))
  expect(await hintsGivenTo(`${session}; ${hint}`)).toEqual([])
  expect(await hintsGivenTo()).toEqual([])
  expect(await hintsGivenTo(hint)).toEqual([expect.stringMatching(/^upbeat\.hint=; .*Max-Age=0/)])
})

test('what went first with a session goes first no more without it, with another one, or when it has ended', async () => {
  await using scene = await openScene()
  const { app, session, classWith, hintsGivenTo, hintsIn } = scene
  const hint = (await hintsGivenTo(session))[0]!.split(';')[0]!
  const other = await scene.signInAgain()

  expect(await classWith(session)).toBe(1)
  expect(await classWith(`${session}; ${hint}`)).toBe(0)
  expect(await classWith(hint)).toBe(1)
  expect(await classWith(`${other}; ${hint}`)).toBe(1)
  // The other session is given its own instead.
  expect(await hintsGivenTo(`${other}; ${hint}`)).toHaveLength(1)

  const signOut = await app.inject({
    method: 'DELETE',
    url: '/api/v1/sessions/current',
    headers: { cookie: `${session}; ${hint}` },
  })
  expect(hintsIn(signOut)).toEqual([expect.stringMatching(/^upbeat\.hint=; .*Max-Age=0/)])
  await expect.poll(() => classWith(`${session}; ${hint}`)).toBe(1)
})

test('what went first with a session that has ended goes first no more in a process that starts later either', async () => {
  await using scene = await openScene()
  const { world, app, session, hintsGivenTo } = scene
  const withHint = async (cookie: string) => `${cookie}; ${(await hintsGivenTo(cookie))[0]!.split(';')[0]!}`
  const [ended, other] = [await withHint(session), await withHint(await scene.signInAgain())]
  await app.inject({ method: 'DELETE', url: '/api/v1/sessions/current', headers: { cookie: ended } })

  await using opened = await openContext({ config: world.config, role: 'api', clock: world.ctx.clock })
  const started = await createApi(opened.ctx)

  await expect.poll(() => classIn(opened.ctx, started, other)).toBe(0)
  expect(await classIn(opened.ctx, started, ended)).toBe(1)
  await started.close()
})
