/** Mistakes in who is on call are told with line and remedy, before they cost a night. */
import { describe, expect, test } from 'vitest'
import { parseEntry } from './parse-entry.ts'

const SHOP = `id: shop
name: Shop
url: https://shop.example
timeZone: Europe/Berlin
features:
  - { id: cart, name: Cart }
onCall:
  people:
    - { id: ada, name: Ada, email: ada@example.org }
  rotas:
    - id: first
      name: First
      layers:
        - people: [ada]
          startsOn: 2026-01-05
  escalation:
    - to: ['rota:first']
`
const parse = (text: string) => parseEntry(text, 'shop.yaml', {})

test('what is left out has a default', () => {
  expect(parse(SHOP).entry!.onCall).toMatchObject({
    rotas: [{ layers: [{ handover: { every: 'week', weekday: 'monday', at: '09:00' }, hours: null }] }],
    escalation: [{ waitMinutes: 10 }],
    repeats: 2,
    pageFrom: 'major',
    blindAfterMinutes: null,
    runbooks: {},
  })
})

test('a service without people on call calls nobody', () => {
  expect(parse(SHOP.slice(0, SHOP.indexOf('onCall'))).entry!.onCall).toMatchObject({
    people: [],
    escalation: [],
  })
})

describe('a mistake is told with its line', () => {
  test.each([
    ['a person who does not exist', '[ada]', '[bob]', 14, 'There is no person bob; known: ada.'],
    ['a rota that does not exist', 'rota:first', 'rota:second', 17, 'There is no rota second; known: first.'],
    ['a role that does not exist', 'rota:first', 'role:king', 17, 'There is no role king; known: commander'],
    ['a target of no kind', 'rota:first', 'ada', 17, 'takes rota:ID, person:ID or role:NAME'],
    [
      'a time of day that is none',
      'startsOn: 2026-01-05',
      "startsOn: 2026-01-05\n          handover: { at: '9:00' }",
      16,
      'takes a time of day',
    ],
    ['a date that is none', '2026-01-05', '2026-02-30', 15, 'takes a date'],
    ['a time zone that is none', 'Europe/Berlin', 'Europe/Berlim', 4, 'There is no time zone Europe/Berlim'],
    ['a cause that is none', 'escalation:', 'runbooks: { gremlins: [Run.] }\n  escalation:', 16, 'gremlins'],
    [
      'a webhook without its key',
      'email: ada@example.org',
      'webhook: { url: https://x.example }',
      9,
      'webhook.secret',
    ],
    ['two people of one id', '  rotas:', '    - { id: ada, name: Other }\n  rotas:', 10, 'ada is taken'],
  ])('%s', (_, from, to, line, message) => {
    const [fault] = parse(SHOP.replace(from, to)).faults!
    expect(fault).toMatchObject({ line, message: expect.stringContaining(message) })
    expect(fault!.remedy).not.toBe('')
  })
})

test.each([
  ['waitMinutes: 1', true],
  ['waitMinutes: 1440', true],
  ['waitMinutes: 0', false],
  ['waitMinutes: 1441', false],
])('a step that waits: %s', (wait, isTaken) => {
  const text = SHOP.replace("- to: ['rota:first']", `- { to: ['rota:first'], ${wait} }`)
  expect(parse(text).entry !== null).toBe(isTaken)
})
