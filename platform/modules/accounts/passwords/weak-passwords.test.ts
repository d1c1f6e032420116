import { expect, test } from 'vitest'
import { openApi } from '../../../../tests/support/api.ts'
import { createWorld } from '../../../../tests/support/world.ts'
import { accountRoutes } from '../index.ts'
import { refuseWeakPassword } from './weak-passwords.ts'

const check =
  (password: string, handle = 'ada.lovelace') =>
  () =>
    refuseWeakPassword({ password, handle, field: 'password' })

test.each(['password', 'PASSWORD', 'Football', 'sunshine', '12345678', 'qwertyuiop'])(
  '%s is refused: it is among those guessed first',
  (password) => {
    expect(check(password)).toThrow('10,000')
  },
)

test.each(['ada.lovelace', 'Ada.Lovelace', '@ada.lovelace'])(
  '%s is refused for who is called so',
  (password) => {
    expect(check(password)).toThrow('the handle')
    expect(check(password, 'somebody')).not.toThrow()
  },
)

test.each(['correct horse battery', 'password of mine', 'ada.lovelace wrote it', 'пароль-длинный'])(
  '%s is taken',
  (password) => {
    expect(check(password)).not.toThrow()
  },
)

test('signing up and changing the password refuse what is guessed first, and name the field', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, accountRoutes)
  const signUp = await api.call('POST', '/accounts', null, {
    payload: { handle: 'someone', password: 'Football' },
  })
  expect(signUp.json()).toMatchObject({ code: 'invalid-input', fields: { password: expect.any(String) } })

  const person = await world.account({ handle: 'grace.hopper' })
  const change = async (newPassword: string) =>
    (
      await api.call('PUT', '/me/password', person, {
        payload: { currentPassword: person.password, newPassword },
      })
    ).statusCode
  expect([
    await change('grace.hopper'),
    await change('football'),
    await change('a ship of many words'),
  ]).toEqual([400, 400, 204])
})
