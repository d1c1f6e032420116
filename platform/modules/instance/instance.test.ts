import { expect, test } from 'vitest'
import { openApi } from '../../../tests/support/api.ts'
import { createWorld } from '../../../tests/support/world.ts'
import { instanceRoutes } from './index.ts'
import { webAddressOf } from './instance.routes.ts'

async function ask(env: Record<string, string> = {}) {
  await using world = await createWorld({ env })
  await using api = await openApi(world, instanceRoutes)
  return await api.call('GET', '/instance')
}

test('the instance says where its source is, where its operator said so', async () => {
  const sourceUrl = 'https://code.example.org/our-upbeat'
  expect((await ask({ SOURCE_URL: sourceUrl })).json()).toMatchObject({ name: 'Upbeat', sourceUrl })
  expect((await ask()).json()).toHaveProperty('sourceUrl')
  await expect(ask({ SOURCE_URL: 'javascript:alert(1)' })).rejects.toThrow(/SOURCE_URL/)
})

test('the instance names its operator, as soon as there is one', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, instanceRoutes)
  const named = async () => (await api.call('GET', '/instance')).json().operatorHandle
  expect(await named()).toBeNull()

  const { id } = await world.account({ handle: 'Captain.Nemo' })
  await world.ctx.db.updateTable('account').set({ role: 'operator' }).where('id', '=', id).execute()
  await expect.poll(named).toBe('Captain.Nemo')
})

test('the instance says whether new accounts are made here', async () => {
  expect((await ask()).json()).toMatchObject({ isSignUpOpen: true })
  expect((await ask({ SIGN_UP: 'closed' })).json()).toMatchObject({ isSignUpOpen: false })
})

test.each([
  ['https://code.example.org/upbeat', 'https://code.example.org/upbeat'],
  [{ url: 'git+https://code.example.org/upbeat.git' }, 'https://code.example.org/upbeat'],
  [{ url: 'git@code.example.org:upbeat.git' }, null],
  ['github:someone/upbeat', null],
  [undefined, null],
])('of the repository %j people are sent to %j', (repository, address) => {
  expect(webAddressOf(repository)).toBe(address)
})

test('browsers are told to come by HTTPS alone where the public address has it, and nowhere else', async () => {
  const told = async (PUBLIC_URL: string) => (await ask({ PUBLIC_URL })).headers['strict-transport-security']
  expect(await told('https://video.example.org')).toBe('max-age=31536000')
  expect(await told('http://video.example.org')).toBeUndefined()
  expect((await ask()).headers).not.toHaveProperty('strict-transport-security')
})
