import { expect, test } from 'vitest'
import { Door, runBehind } from '../../../../kit/admission/index.ts'
import { createWorld } from '../../../../tests/support/world.ts'
import { createHashingDoor } from '../../../app/admission.ts'
import { createApi } from '../../../roles/api.ts'

/** Where the account was made. */
const AT_HOME = '127.0.0.1'
const ELSEWHERE = '198.51.100.7'

/** An api at whose hashing door one person is served at a time, and others wait for a twentieth of a second. */
async function openScene(protectionsOff: string) {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld({ env: { ADMISSION: 'on', PROTECTIONS_OFF: protectionsOff } }))
  const known = await world.account()
  const hashingDoor = new Door({
    name: 'hashing',
    initial: 1,
    max: 1,
    waitMs: 50,
    isFixed: true,
    isCutting: false,
  })
  const ctx = { ...world.ctx, hashingDoor }
  const app = await createApi(ctx)
  stack.defer(() => app.close())
  const owned = stack.move()
  const occupied = Promise.withResolvers<void>()
  const occupying = runBehind(hashingDoor, () => occupied.promise)
  return {
    ctx,
    async free() {
      occupied.resolve()
      await occupying
    },
    signIn: (remoteAddress = AT_HOME) =>
      app.inject({
        method: 'POST',
        url: '/api/v1/sessions',
        remoteAddress,
        payload: { identifier: known.handle, password: known.password },
      }),
    signUp: (handle: string) =>
      app.inject({
        method: 'POST',
        url: '/api/v1/accounts',
        payload: { handle, password: 'a long password' },
      }),
    me: () => app.inject({ url: '/api/v1/me', headers: known.headers }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test.each([
  { admission: 'on', protectionsOff: 'levels' },
  { admission: 'off', protectionsOff: 'levels,admission' },
])(
  'with admission $admission, whoever signs in or up in a storm waits for a bound time, then hears when to come again',
  async ({ protectionsOff }) => {
    await using scene = await openScene(protectionsOff)
    const answers = await Promise.all([scene.signIn(ELSEWHERE), scene.signIn(), scene.signUp('newcomer')])
    // On a device that the account does not know one comes after those who are known, if only by their network.
    expect(answers.map((answer) => answer.json().facts.class)).toEqual(['P2', 'P1', 'P1'])
    for (const answer of answers) {
      expect(answer.statusCode).toBe(503)
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(answer.json()).toMatchObject({
        code: 'busy',
        detail: 'Too many people are signing in at this moment.',
        facts: { at: 'hashing' },
      })
    }
    // Whoever is signed in needs no hash.
    expect((await scene.me()).statusCode).toBe(200)
    await scene.free()
    expect((await scene.signIn()).statusCode).toBe(201)
    expect((await scene.signUp('newcomer')).statusCode).toBe(201)
  },
)

test('two hashes run at once, whatever the configuration, and operators see the door', async () => {
  await using world = await createWorld()
  const door = createHashingDoor()
  const running = Promise.withResolvers<void>()
  const all = Array.from({ length: 3 }, () => runBehind(door, () => running.promise))
  expect([door.gate.limit, door.gate.inFlight, door.gate.waiting]).toEqual([2, 2, 1])
  running.resolve()
  await Promise.all(all)
  expect(world.ctx.vitals.report().doors).toMatchObject([
    { name: 'hashing', limit: 2 },
    { name: 'blob store' },
  ])
})
