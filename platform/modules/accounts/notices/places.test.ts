import { expect, test } from 'vitest'
import { openApi, type TestApi } from '../../../../tests/support/api.ts'
import { createFakeClock, createWorld, type World } from '../../../../tests/support/world.ts'
import { listNotifications, notificationRoutes, startNotificationJobs } from '../../notifications/index.ts'
import { forgetOldPlaces, PLACES_KEPT_MS } from '../accounts.jobs.ts'
import { accountRoutes } from '../index.ts'

const PHONE = 'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36'
const DESKTOP = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const HOME = '192.0.2.1'
const PASSWORD = 'a long password'

const from = (device: string, remoteAddress: string) => ({ remoteAddress, headers: { 'user-agent': device } })
type Origin = ReturnType<typeof from>

const post = (api: TestApi, path: string, payload: object, origin: Origin) =>
  api.app.inject({ method: 'POST', url: `/api/v1${path}`, payload, ...origin })

async function signUp(api: TestApi, origin: Origin): Promise<string> {
  return (await post(api, '/accounts', { handle: 'ada', password: PASSWORD }, origin)).json().id
}

const signIn = async (api: TestApi, origin: Origin, password = PASSWORD) =>
  (await post(api, '/sessions', { identifier: 'ada', password }, origin)).statusCode

/** What the jobs say that wait to be told. */
async function tellings(world: World): Promise<string[]> {
  const { rows } = await world.ctx.pool.query<{ data: { device: string; address: string } }>(
    `select data from pgboss.job where name = 'new-sign-in' order by created_on`,
  )
  return rows.map(({ data }) => `${data.device} at ${data.address}`)
}

test('a sign-in from a device or a network that the account has not seen is told, once each; signing up is not', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  await signUp(api, from(PHONE, HOME))
  expect(await signIn(api, from(PHONE, HOME))).toBe(201)
  expect(await tellings(world)).toEqual([])

  for (let n = 0; n < 2; n++) await signIn(api, from(DESKTOP, HOME))
  for (let n = 0; n < 2; n++) await signIn(api, from(PHONE, '2001:db8::1'))
  // Of the same /64, and with a device that was seen elsewhere.
  await signIn(api, from(DESKTOP, '2001:db8::ffff'))
  expect(await signIn(api, from(PHONE, '198.51.100.7'), 'not the password')).toBe(401)

  expect(await tellings(world)).toEqual(['Firefox on Linux at 192.0.2.1', 'Chrome on Android at 2001:db8::1'])
})

test('of sign-ins that race from one new place only one is told', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  await signUp(api, from(PHONE, HOME))

  await Promise.all(Array.from({ length: 4 }, () => signIn(api, from(DESKTOP, HOME))))

  expect(await tellings(world)).toHaveLength(1)
})

test('the owner finds a notification that names device and address', async () => {
  await using world = await createWorld({ isWorker: true })
  await using api = await openApi(world, accountRoutes, notificationRoutes)
  await using _jobs = await startNotificationJobs(world.ctx)
  const viewerId = await signUp(api, from(PHONE, HOME))

  await signIn(api, from(DESKTOP, HOME))

  const list = async () => (await listNotifications(world.ctx, { viewerId, page: { limit: 5 } })).items
  await expect.poll(list, { timeout: 20_000 }).toHaveLength(1)
  expect(await list()).toMatchObject([
    { kind: 'new-sign-in', excerpt: 'Firefox on Linux · 192.0.2.1', actors: [], isRead: false },
  ])
})

test('a place is forgotten after its time, counted from the last sign-in', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, accountRoutes)
  await signUp(api, from(PHONE, HOME))
  await signIn(api, from(DESKTOP, HOME))
  clock.advance(1)
  await signIn(api, from(PHONE, HOME))

  clock.advance(PLACES_KEPT_MS)

  expect(await forgetOldPlaces(world.ctx)).toBe(1)
  expect(await signIn(api, from(DESKTOP, HOME))).toBe(201)
  expect(await tellings(world)).toHaveLength(2)
})
