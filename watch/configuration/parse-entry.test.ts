import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { serviceJsonSchema } from './json-schema.ts'
import { describeFault, parseEntry } from './parse-entry.ts'

const SMALL = `id: shop
name: Shop
url: https://shop.example
features:
  - { id: cart, name: Cart }
`

const faultsOf = (text: string, variables: Record<string, string> = {}) =>
  parseEntry(text, 'shop.yaml', variables).faults

test('a small file is enough, and the rest has defaults', () => {
  const { entry } = parseEntry(SMALL, 'shop.yaml', {})
  expect(entry).toMatchObject({
    id: 'shop',
    timeZone: 'Etc/UTC',
    regions: [{ id: 'world' }],
    features: [{ id: 'cart', tier: 'core', dependsOn: [] }],
    reports: { isEnabled: true, windowMinutes: 30 },
    word: null,
  })
})

describe('what is wrong is told with line, column and remedy:', () => {
  test('YAML that can not be read', () => {
    expect(faultsOf('id: shop\nname: "Shop\n')).toMatchObject([
      { line: expect.any(Number), remedy: /quotes/ },
    ])
  })

  test('a setting that does not exist', () => {
    expect(faultsOf(`${SMALL}monitor: []\n`)).toMatchObject([
      { message: expect.stringContaining('there is no setting monitor') },
    ])
  })

  test('a value of the wrong kind', () => {
    expect(faultsOf(SMALL.replace('https://shop.example', '7'))).toMatchObject([
      { line: 3, column: 6, message: expect.stringContaining('url') },
    ])
  })

  test('a missing value', () => {
    expect(faultsOf('id: shop\nname: Shop\nurl: https://shop.example\n')).toMatchObject([
      { message: 'features is missing.', remedy: 'Add it: it takes a array.' },
    ])
  })

  test('a feature that no monitor could mean', () => {
    const text = `${SMALL}monitors:
  - { id: page, type: http, features: [basket], url: https://shop.example }
`
    const [fault] = faultsOf(text)!
    expect(fault).toMatchObject({
      line: 7,
      message: 'monitors.0.features.0: There is no feature basket; known: cart.',
    })
    expect(describeFault(fault!)).toMatch(/^shop\.yaml:7:\d+ {2}monitors/)
  })

  test('two features of one name', () => {
    expect(faultsOf(`${SMALL}  - { id: cart, name: Basket }\n`)).toMatchObject([
      { line: 6, message: expect.stringContaining('cart is taken') },
    ])
  })

  test.each([
    ['an alias that leads nowhere', 'name: *nobody', /alias/i],
    [
      'aliases that unfold without end',
      `a: &a [${'1, '.repeat(9)}]\nb: &b [${'*a, '.repeat(9)}]\nc: &c [${'*b, '.repeat(9)}]\nd: [${'*c, '.repeat(9)}]`,
      /alias/i,
    ],
    ['lists within lists without end', `a: ${'['.repeat(50_000)}`, /./],
  ])('%s', (_, text, message) => {
    const [fault] = faultsOf(text)!
    expect(fault!.message).toMatch(message)
    expect(fault!.remedy).not.toBe('')
  })

  test('a variable that is not set, without the values of those that are', () => {
    const [fault] = faultsOf(SMALL.replace('https://shop.example', 'https://${HOST}/?key=${KEY}'), {
      KEY: 's3cret',
    })!
    expect(fault).toMatchObject({ line: 3, message: 'The variable HOST is not set.' })
    expect(JSON.stringify(fault)).not.toContain('s3cret')
  })
})

test('variables and their defaults stand in values, and never make structure', () => {
  const text = SMALL.replace('https://shop.example', '${SHOP_URL:-https://shop.example}').replace(
    'Shop',
    '${NAME}',
  )
  expect(parseEntry(text, 'shop.yaml', { NAME: 'A: [b]' }).entry).toMatchObject({
    name: 'A: [b]',
    url: 'https://shop.example',
  })
})

test.each(['upbeat', 'tiktok'])('the file that ships for %s is complete and right', async (id) => {
  const text = await readFile(join(import.meta.dirname, '..', 'catalog', `${id}.yaml`), 'utf8')
  const { entry, faults } = parseEntry(text, `${id}.yaml`, { UPBEAT_URL: 'http://localhost:8080' })
  expect(faults).toBeNull()
  expect(entry!.id).toBe(id)
  const watched = new Set(entry!.monitors.flatMap(({ features }) => features))
  if (id === 'upbeat')
    expect([...watched].sort()).toEqual(entry!.features.map((feature) => feature.id).sort())
})

test('an editor sees no mistake in the files that ship, in spite of the variables in them', async () => {
  const schema = z.fromJSONSchema(JSON.parse(serviceJsonSchema()))
  const mistakesIn = (text: string) => schema.safeParse(parse(text)).error?.issues ?? []
  for (const id of ['upbeat', 'tiktok'])
    expect(
      mistakesIn(await readFile(join(import.meta.dirname, '..', 'catalog', `${id}.yaml`), 'utf8')),
    ).toEqual([])
  expect(
    mistakesIn(`${SMALL}keys: [{ id: a, algorithm: hmac-sha256, secret: '\${SHOP}', may: [markers] }]\n`),
  ).toEqual([])
  expect(mistakesIn(SMALL.replace('https://shop.example', 'no address'))).toMatchObject([{ path: ['url'] }])
})

test('the schema for editors is the one that checks', async () => {
  const written = await readFile(join(import.meta.dirname, 'service.schema.json'), 'utf8')
  // When it differs: node scripts/write-service-schema.ts
  expect(JSON.parse(written)).toEqual(JSON.parse(serviceJsonSchema()))
})
