import { expect, test } from 'vitest'
import { createWorld } from '../../../tests/support/world.ts'
import { createApi } from '../../roles/api.ts'

test('the addresses of one IPv6 network share what may be tried', async () => {
  await using world = await createWorld()
  const app = await createApi(world.ctx)
  await using _closing = { [Symbol.asyncDispose]: () => app.close() }
  const attempt = (remoteAddress: string) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/sessions',
      remoteAddress,
      payload: { identifier: 'nobody', password: 'a wrong password' },
    })

  for (let i = 0; i < 10; i++) expect((await attempt(`2001:db8:0:1::${i}`)).statusCode).toBe(401)
  expect((await attempt('2001:db8:0:1:ffff::')).statusCode).toBe(429)
  expect((await attempt('2001:db8:0:2::1')).statusCode).toBe(401)
})
