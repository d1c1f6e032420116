import { expect, test } from 'vitest'
import { findDoor } from './door.ts'
import { codeFor, firstLink, joinBy, openBrowser, openWorld, PASSWORD } from './cockpit.fixtures.ts'

const NAME = 'upbeat-watch.two_factor'
const DOOR = `${NAME}=2fa-abc.c2lnbmF0dXJlKw%3D%3D`

test.each([
  ['one more space', ` ${NAME} =  2fa-abc.c2lnbmF0dXJlKw%3D%3D `],
  ['other cookies around it', `x=1; ${DOOR}; upbeat-watch.session_token=1`],
  ['a cookie whose name only ends like it', `x-${NAME}=1; ${DOOR}`],
  ['other letters escaped', `${NAME}=%32fa%2Dabc%2Ec2lnbmF0dXJlKw==`],
  ['quotation marks', `${NAME}="2fa-abc.c2lnbmF0dXJlKw=="`],
  ['a signature written otherwise', `${NAME}=2fa-abc.c2lnbmF0dXJlKx%3D%3D`],
])('a door is the same with %s', (_, header) => {
  expect(findDoor(header)?.id).toBe('2fa-abc')
})

test('a door takes no session along', () => {
  expect(findDoor(`upbeat-watch.session_token=1; ${DOOR}`)!.cookie).toBe(DOOR)
})

test('two doors at once are none', () => {
  expect(() => findDoor(`${DOOR}; ${NAME}=2fa-other.x`)).toThrow(/more than one sign-in/)
})

test.each(['', 'x=1', `${NAME}=`, `${NAME}`, `${NAME}=no-signature`, `${NAME}=%E0%A4%A.x`])(
  'there is no door in “%s”',
  (header) => {
    expect(findDoor(header)).toBeNull()
  },
)

test('five codes are tried at one door, however its cookie is written', async () => {
  await using stage = await openWorld()
  const secret = await joinBy(openBrowser(stage.url), await firstLink(stage.world), 'ada')
  const browser = openBrowser(stage.url)
  await browser.send('/operate/sign-in', { name: 'ada', password: PASSWORD })
  const [[name, value]] = [...browser.jar].filter(([cookie]) => cookie.endsWith('two_factor')) as [
    [string, string],
  ]
  const wrong = codeFor(secret) === '000000' ? '000001' : '000000'
  const statuses: number[] = []
  for (let tries = 0; tries < 6; tries++) {
    const cookie = `x-${name}=${tries};${' '.repeat(tries)}${name}=${value}`
    statuses.push((await openBrowser(stage.url).send('/operate/code', { code: wrong }, { cookie })).status)
  }
  expect(statuses).toEqual([403, 403, 403, 403, 403, 429])
})
