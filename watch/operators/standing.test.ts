/** What operators may do: changed in one unit with the log, and never to the point that nobody can. */
import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Actor } from '../app/actor.ts'
import { listAudit } from '../incidents/index.ts'
import { deviceStatements, listDevices } from '../on-call/receivers.ts'
import { createWatchWorld } from '../pages/world.fixtures.ts'
import { changeRole } from './change-role.ts'
import { firstLink, joinBy, linkOf, openBrowser, openWorld, PASSWORD } from './cockpit.fixtures.ts'
import { openOperators } from './index.ts'
import { admitStatement, listOperators } from './standing.ts'

const adminOf = (id: string): Actor => ({ kind: 'operator', id, name: id, role: 'admin' })

async function openStaffed(roles: Readonly<Record<string, 'observer' | 'responder' | 'admin'>>) {
  const world = await createWatchWorld()
  for (const [name, role] of Object.entries(roles))
    await world.ctx.store.write([admitStatement(world.ctx, { id: name, name, role })])
  return world
}

const rolesOf = (world: Awaited<ReturnType<typeof openStaffed>>) =>
  Object.fromEntries(listOperators(world.ctx).map(({ name, role }) => [name, role]))

test('a change and its line in the log are one', async () => {
  await using world = await openStaffed({ ada: 'admin', bob: 'observer' })
  await changeRole(world.ctx, { actor: adminOf('ada'), operatorId: 'bob', role: 'responder' })
  expect(rolesOf(world)).toEqual({ ada: 'admin', bob: 'responder' })
  expect(listAudit(world.ctx, {})[0]).toMatchObject({
    actor: 'operator:ada',
    action: 'change-role',
    subject: 'bob',
    facts: { before: 'observer', after: 'responder' },
  })
})

test('nobody but an admin changes a role, and nobody their own', async () => {
  await using world = await openStaffed({ ada: 'admin', bob: 'responder' })
  const bob: Actor = { kind: 'operator', id: 'bob', name: 'bob', role: 'responder' }
  await expect(changeRole(world.ctx, { actor: bob, operatorId: 'ada', role: 'none' })).rejects.toMatchObject({
    code: 'not-allowed',
  })
  await expect(
    changeRole(world.ctx, { actor: adminOf('ada'), operatorId: 'ada', role: 'observer' }),
  ).rejects.toMatchObject({ code: 'not-allowed' })
  expect(rolesOf(world)).toEqual({ ada: 'admin', bob: 'responder' })
})

test('the last admin stays one, whoever asks', async () => {
  await using world = await openStaffed({ ada: 'admin', bob: 'responder' })
  for (const role of ['observer', 'none'] as const)
    await expect(
      changeRole(world.ctx, { actor: { kind: 'watch' }, operatorId: 'ada', role }),
    ).rejects.toMatchObject({ code: 'not-allowed' })
  expect(rolesOf(world)).toMatchObject({ ada: 'admin' })
})

test('two admins who remove each other at the same time leave one, and one line in the log', async () => {
  await using world = await openStaffed({ ada: 'admin', bob: 'admin' })
  const outcomes = await Promise.allSettled([
    changeRole(world.ctx, { actor: adminOf('ada'), operatorId: 'bob', role: 'none' }),
    changeRole(world.ctx, { actor: adminOf('bob'), operatorId: 'ada', role: 'none' }),
  ])
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(Object.values(rolesOf(world))).toEqual(['admin'])
  expect(listAudit(world.ctx, {}).filter(({ action }) => action === 'remove-operator')).toHaveLength(1)
})

test('who was removed may come again by an invitation, under the same name', async () => {
  await using stage = await openWorld()
  const ada = openBrowser(stage.url)
  await joinBy(ada, await firstLink(stage.world), 'ada')
  await joinBy(openBrowser(stage.url), linkOf(await ada.send('/operate/people', { role: 'observer' })), 'bob')
  const bob = stage.auth.list().find(({ name }) => name === 'bob')!
  await ada.send(`/operate/people/${bob.id}`, { role: 'none' })
  await joinBy(
    openBrowser(stage.url),
    linkOf(await ada.send('/operate/people', { role: 'responder' })),
    'bob',
  )
  expect(stage.auth.list().map(({ name, role }) => [name, role])).toEqual([
    ['ada', 'admin'],
    ['bob', 'responder'],
  ])
})

test('without the file of accounts, the next start offers the link for a first operator again', async () => {
  await using stage = await openWorld()
  await joinBy(openBrowser(stage.url), await firstLink(stage.world), 'ada')
  const { ctx } = stage.world
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(ctx.config.dataDir, `operators.sqlite${suffix}`), { force: true })
  using again = await openOperators(ctx)
  expect(again.auth.count()).toBe(0)
  expect(await firstLink(stage.world)).toMatch(/^\/operate\/join\//)
  expect(listAudit(ctx, {})[0]).toMatchObject({ actor: 'watch', action: 'lose-operator' })
})

test('who lost their account is paged in no browser any more, and nobody joins by their invitations', async () => {
  await using stage = await openWorld()
  const ada = openBrowser(stage.url)
  await joinBy(ada, await firstLink(stage.world), 'ada')
  const invitation = linkOf(await ada.send('/operate/people', { role: 'admin' }))
  const { ctx } = stage.world
  const device = { operator: 'ada', label: 'Phone', address: '{"endpoint":"https://push.example/x"}' }
  await ctx.store.write(deviceStatements(ctx, device).statements)
  expect(listDevices(ctx, 'ada')).toHaveLength(1)
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(ctx.config.dataDir, `operators.sqlite${suffix}`), { force: true })
  using again = await openOperators(ctx)
  expect(again.auth.count()).toBe(0)
  expect(listDevices(ctx, 'ada')).toEqual([])
  expect((await openBrowser(stage.url).send(invitation)).status).toBe(404)
})

test('a known browser has its bound too, and a forged cookie makes none', async () => {
  await using stage = await openWorld({ TRUSTED_PROXIES: '127.0.0.1' })
  const ada = openBrowser(stage.url)
  await joinBy(ada, await firstLink(stage.world), 'ada')
  const statuses: number[] = []
  for (let i = 0; i < 11; i++)
    statuses.push((await ada.send('/operate/sign-in', { name: 'ada', password: 'wrong wrong wrong' })).status)
  expect(statuses.slice(0, 10).every((status) => status === 403)).toBe(true)
  expect(statuses[10]).toBe(429)
  const [name, value] = [...ada.jar].find(([cookie]) => cookie.endsWith('.device'))!
  const forged = openBrowser(stage.url)
  forged.jar.set(name, value.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')).replace('~', '~x'))
  for (let i = 0; i < 10; i++)
    await forged.send(
      '/operate/sign-in',
      { name: 'ada', password: 'wrong wrong wrong' },
      { 'x-forwarded-for': '203.0.113.9' },
    )
  expect(
    (
      await forged.send(
        '/operate/sign-in',
        { name: 'ada', password: PASSWORD },
        { 'x-forwarded-for': '203.0.113.9' },
      )
    ).status,
  ).toBe(429)
})
