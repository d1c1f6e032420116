import { expect, test } from 'vitest'
import { readKept } from '../store/index.ts'
import { codeFor, firstLink, joinBy, openBrowser, openWorld, PASSWORD } from './cockpit.fixtures.ts'
import { openOperators, rotateWatchKeys } from './index.ts'

test('after a rotation nobody is signed in, and everybody’s second factor still opens', async () => {
  await using stage = await openWorld()
  const browser = openBrowser(stage.url)
  const secret = await joinBy(browser, await firstLink(stage.world), 'ada')
  const { ctx } = stage.world
  const names = ['operators-secret', 'operators-devices', 'on-call-links']
  const before = names.map((name) => readKept(ctx.store, name))
  const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  expect(await stage.auth.actorOf(cookie)).toMatchObject({ name: 'ada' })

  const rotated = await rotateWatchKeys(ctx)

  expect(rotated.endedSessions).toBeGreaterThan(0)
  const after = names.map((name) => readKept(ctx.store, name))
  for (const [at, key] of after.entries()) expect([names[at], key]).not.toEqual([names[at], before[at]])
  using anew = await openOperators(ctx)
  expect(await anew.auth.actorOf(cookie)).toBeNull()
  const half = await anew.auth.signIn('ada', PASSWORD)
  const halfCookie = half.map((one) => one.split(';')[0]).join('; ')
  const cookies = await anew.auth.enterCode(halfCookie, codeFor(secret))
  const whole = cookies.map((one) => one.split(';')[0]).join('; ')
  expect(await anew.auth.actorOf(whole)).toMatchObject({ name: 'ada' })
})

test('a rotation that was cut off after sealing is ended by the next one', async () => {
  await using stage = await openWorld()
  const secret = await joinBy(openBrowser(stage.url), await firstLink(stage.world), 'ada')
  const { ctx } = stage.world
  const write = ctx.store.write.bind(ctx.store)
  const failing = {
    ...ctx,
    store: {
      get: ctx.store.get.bind(ctx.store),
      all: ctx.store.all.bind(ctx.store),
      write: (statements: Parameters<typeof write>[0]) =>
        // The last thing that it does.
        statements.length === 2 && statements[1]!.sql.startsWith('delete')
          ? Promise.reject(new Error('cut off'))
          : write(statements),
    },
  } as unknown as typeof ctx
  await expect(rotateWatchKeys(failing)).rejects.toThrow('cut off')

  await rotateWatchKeys(ctx)

  using anew = await openOperators(ctx)
  const half = await anew.auth.signIn('ada', PASSWORD)
  const cookies = await anew.auth.enterCode(half.map((one) => one.split(';')[0]).join('; '), codeFor(secret))
  expect(await anew.auth.actorOf(cookies.map((one) => one.split(';')[0]).join('; '))).toMatchObject({
    name: 'ada',
  })
})
