import type { LightMyRequestResponse } from 'fastify'
import { expect, test } from 'vitest'
import {
  ACCOUNT_WORK,
  ATTACK_FAILURES,
  GUESSES_AT_ONCE,
  NETWORK_REFUSED,
} from '../../../../engines/sign-in/index.ts'
import { openApi, type TestApi } from '../../../../tests/support/api.ts'
import { createFakeClock, createWorld } from '../../../../tests/support/world.ts'
import { solveWork } from '../../../../tests/support/solve-work.ts'
import { readPass } from '../../../app/abuse/passes.ts'
import { accountRoutes } from '../index.ts'
import { decoyHash, hashPassword } from '../passwords/passwords.ts'

const STRANGE = '198.51.100.7'

interface Try {
  readonly identifier: string
  readonly password?: string
  readonly from?: string
  readonly cookie?: string
  readonly work?: string
}

async function attempt(api: TestApi, { identifier, password = 'a wrong one', ...how }: Try) {
  return api.app.inject({
    method: 'POST',
    url: '/api/v1/sessions',
    remoteAddress: how.from ?? STRANGE,
    headers: how.cookie === undefined ? {} : { cookie: how.cookie },
    payload: { identifier, password, ...(how.work !== undefined && { work: how.work }) },
  })
}

/** Does what is asked: time that has to pass, the work. */
async function attemptPaying(api: TestApi, input: Try, clock: ReturnType<typeof createFakeClock>) {
  const first = await attempt(api, input)
  if (first.statusCode !== 428) return first
  const { facts } = first.json() as { facts: { challenge: string; waitMs: number } }
  clock.advance(facts.waitMs)
  return attempt(api, { ...input, work: solveWork(facts.challenge) })
}

const cookieIn = (answer: LightMyRequestResponse, name: string) =>
  [answer.headers['set-cookie'] ?? []]
    .flat()
    .map((each) => each.split(';')[0]!)
    .find((each) => each.startsWith(`${name}=`))!

/** A device cookie of somebody who signs in from home, as everybody may in calm. */
async function deviceOf(api: TestApi, person: { handle: string; password: string }): Promise<string> {
  const answer = await attempt(api, {
    identifier: person.handle,
    password: person.password,
    from: '127.0.0.1',
  })
  expect(answer.statusCode).toBe(201)
  return cookieIn(answer, 'upbeat.device')
}

/** As a browser keeps them: by name and path, the session's gone. */
function keepSignedOut(answers: readonly LightMyRequestResponse[]): string[] {
  const jar = new Map<string, string>()
  for (const told of answers.flatMap((answer) => answer.headers['set-cookie'] ?? [])) {
    const [pair, path] = told.split('; ') as [string, string]
    jar.set(`${pair.split('=')[0]} ${path}`, pair)
  }
  return [...jar.values()].filter((pair) => !pair.startsWith('upbeat.session_token='))
}

/** Raises the alarm, from as many addresses as it takes. */
async function stuff(api: TestApi, count = ATTACK_FAILURES): Promise<void> {
  for (let n = 0; n < count; n++) {
    const from = `203.0.${n}.1`
    const answer = await attempt(api, { identifier: `nobody.${n}`, from, password: `leaked number ${n}` })
    if (answer.statusCode === 428)
      await attempt(api, {
        identifier: `nobody.${n}`,
        from,
        password: `leaked number ${n}`,
        work: solveWork(answer.json().facts.challenge),
      })
  }
}

test('a browser that was signed out is known by its account and at the front, each by a cookie of its own name', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  const person = await world.account()
  const signedIn = await attempt(api, {
    ...{ identifier: person.handle, password: person.password, from: '127.0.0.1' },
  })
  const session = cookieIn(signedIn, 'upbeat.session_token')
  const me = await api.call('GET', '/me', {
    headers: { cookie: `${session}; ${cookieIn(signedIn, 'upbeat.device')}` },
  })

  const kept = keepSignedOut([signedIn, me])

  const names = kept.map((pair) => pair.split('=')[0])
  expect(names).toHaveLength(new Set(names).size)
  const { session: secret } = world.ctx.secrets
  expect(readPass(secret, 'device', kept.join('; '), Date.now())).not.toBeNull()
  await stuff(api)
  const fromElsewhere = await attempt(api, {
    ...{ identifier: person.handle, password: person.password, cookie: kept.join('; ') },
  })
  expect(fromElsewhere.statusCode).toBe(201)
})

test('strangers have so many guesses at an account, and the owner on a known device signs in meanwhile', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using api = await openApi(world, accountRoutes)
  const owner = await world.account()
  const cookie = await deviceOf(api, owner)
  const statuses: number[] = []
  for (let n = 0; n < GUESSES_AT_ONCE + 2; n++) {
    const answer = await attemptPaying(
      api,
      { identifier: owner.handle, from: `203.0.${n}.1`, password: `guess number ${n}` },
      clock,
    )
    statuses.push(answer.statusCode)
  }
  expect(statuses).toEqual([...Array<number>(GUESSES_AT_ONCE).fill(401), 429, 429])
  expect((await attempt(api, { identifier: owner.handle, password: owner.password })).statusCode).toBe(428)
  const known = { identifier: owner.handle, password: owner.password, cookie }
  expect((await attempt(api, known)).statusCode).toBe(201)
})

test('from the third wrong guess on a stranger works for the next one; each solution is good once, for one name', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  const owner = await world.account()
  for (let n = 0; n < ACCOUNT_WORK; n++)
    expect((await attempt(api, { identifier: owner.handle })).statusCode).toBe(401)
  const asked = await attempt(api, { identifier: owner.handle, password: owner.password })
  expect(asked.json()).toMatchObject({ code: 'work-needed', isWorkKept: true })
  const work = solveWork(asked.json().facts.challenge)
  const paid = { identifier: owner.handle, password: 'again wrong', work }
  expect((await attempt(api, paid)).statusCode).toBe(401)
  expect((await attempt(api, paid)).statusCode).toBe(428)
  const again = solveWork((await attempt(api, { identifier: owner.handle })).json().facts.challenge)
  expect((await attempt(api, { ...paid, password: owner.password, work: again })).statusCode).toBe(201)
  const other = solveWork((await attempt(api, { identifier: owner.handle })).json().facts.challenge)
  const elsewhere = { ...paid, work: other, from: '198.51.100.8' }
  expect((await attempt(api, elsewhere)).statusCode).toBe(428)
})

test('the addresses of one IPv6 network share what may be tried', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  const tryFrom = async (from: string, n: number) => {
    const input = { identifier: `nobody.${n}`, from, password: `guess ${n}` }
    const answer = await attempt(api, input)
    if (answer.statusCode !== 428) return answer
    return attempt(api, { ...input, work: solveWork(answer.json().facts.challenge) })
  }
  for (let n = 0; n < NETWORK_REFUSED; n++)
    expect((await tryFrom(`2001:db8:0:1::${n}`, n)).statusCode).toBe(401)
  const refused = await tryFrom('2001:db8:0:1:ffff::', 99)
  expect(refused.json()).toMatchObject({ code: 'sign-in-refused' })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await tryFrom('2001:db8:0:2::1', 100)).statusCode).toBe(401)
})

test('under attack a stranger hears the same for a right password, a wrong one and a name that nobody has', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  const owner = await world.account()
  const cookie = await deviceOf(api, owner)
  await stuff(api)
  const ask = async (identifier: string, password: string, from: string) => {
    const input = { identifier, password, from }
    const { facts } = (await attempt(api, input)).json()
    const answer = (await attempt(api, { ...input, work: solveWork(facts.challenge) })).json()
    expect(answer.facts.confirmation).toHaveLength(32)
    return { ...answer, requestId: '', facts: {} }
  }
  const right = await ask(owner.handle, owner.password, '192.0.2.1')
  expect(right.code).toBe('confirmation-needed')
  expect(await ask(owner.handle, 'not the password', '192.0.3.1')).toEqual(right)
  expect(await ask('nobody.at.all', owner.password, '192.0.4.1')).toEqual(right)
  const known = { identifier: owner.handle, password: owner.password, cookie }
  expect((await attempt(api, known)).statusCode).toBe(201)
})

test('a name that nobody has is hashed once, at the same cost, as is one that somebody has', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  const owner = await world.account()
  const { gate } = world.ctx.hashingDoor
  const hashed = () => [0, 1, 2, 3].reduce((sum, each) => sum + gate.admittedOf(each as 0), 0)
  const costOf = async (identifier: string) => {
    const before = hashed()
    expect((await attempt(api, { identifier })).statusCode).toBe(401)
    return hashed() - before
  }
  expect([await costOf(owner.handle), await costOf('nobody.here'), await costOf('no@body.example')]).toEqual([
    1, 1, 1,
  ])
  const parametersOf = (hash: string) => hash.split('$').slice(0, 4)
  expect(parametersOf(decoyHash(world.ctx))).toEqual(
    parametersOf(await hashPassword(world.ctx.hashingDoor, 'any')),
  )
})

test('what one process sees raises the alarm in another, and outlives a restart', async () => {
  await using world = await createWorld()
  await using one = await openApi(world, accountRoutes)
  await using other = await openApi(world, accountRoutes)
  await stuff(one)
  const codeFrom = async (n: number) =>
    (await attempt(other, { identifier: 'nobody', from: `192.0.2.${n}`, password: 'x' })).json()
      .code as string
  let n = 0
  await expect.poll(() => codeFrom(n++), { timeout: 10_000 }).toBe('work-needed')
})

test('without the guard strangers guess on', async () => {
  await using world = await createWorld({ env: { PROTECTIONS_OFF: 'levels,admission,sign-in-guard' } })
  await using api = await openApi(world, accountRoutes)
  const owner = await world.account()
  for (let n = 0; n < 25; n++) expect((await attempt(api, { identifier: owner.handle })).statusCode).toBe(401)
})

test('racing guesses from many places are counted exactly', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const { takeGuess } = await import('./sign-in.queries.ts')
  const take = () =>
    takeGuess(world.ctx.db, { nameKey: Buffer.from('ada'), at: clock.now(), atOnce: 10, refillMs: 1_000 })
  const left = await Promise.all(Array.from({ length: 25 }, take))
  expect(left.filter((each) => each >= 0)).toHaveLength(10)
  expect(await take()).toBe(-1)
  clock.advance(400)
  expect(await take()).toBeCloseTo(-0.6)
  clock.advance(600)
  expect([await take(), await take()]).toEqual([0, -1])
})
