import { expect, test } from 'vitest'
import { createWorld, type World } from '../../tests/support/world.ts'
import { createApi } from './api.ts'
import { OPERATIONS } from './operations.ts'

interface Document {
  readonly paths: Record<
    string,
    Record<string, { summary?: string; tags?: string[]; security?: object[]; parameters?: object[] }>
  >
  readonly tags: { name: string }[]
  readonly components: { securitySchemes: object }
}

async function describe(world: World): Promise<Document> {
  const app = await createApi(world.ctx)
  await using _closing = { [Symbol.asyncDispose]: () => app.close() }
  return (await app.inject('/api/openapi.json')).json<Document>()
}

const namesIn = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('/api/v1', '')}`),
  )
const named = Object.values(OPERATIONS).flatMap((operations) => Object.keys(operations))

test.each([
  ['this process takes uploads itself', {}],
  ['another role takes uploads', { INGEST_ADDRESS: 'http://127.0.0.1:9' }],
])('the description has every operation of the API and no page, when %s', async (_when, env) => {
  await using world = await createWorld({ env })
  const document = await describe(world)

  expect(namesIn(document).toSorted()).toEqual(named.toSorted())
  for (const [path, methods] of Object.entries(document.paths)) {
    expect(path).toMatch(/^\/api\/v1\//)
    for (const operation of Object.values(methods)) {
      expect(operation).toMatchObject({
        summary: expect.stringMatching(/^\S.{3,}/),
        tags: [expect.any(String)],
      })
      expect(operation.parameters?.length ?? 0).toBeGreaterThanOrEqual(path.split('{').length - 1)
    }
  }
})

test('the description says by which cookie one is signed in, and where it is needed', async () => {
  await using world = await createWorld()
  const { components, paths } = await describe(world)

  expect(components.securitySchemes).toEqual({
    session: { type: 'apiKey', in: 'cookie', name: 'upbeat.session_token' },
  })
  expect(paths['/api/v1/me/saved']!['get']!.security).toEqual([{ session: [] }])
  expect(paths['/api/v1/feed/for-you']!['get']!.security).toEqual([{ session: [] }, {}])
  expect(paths['/api/v1/instance']!['get']!.security).toEqual([])
})

test('what needs a session says so when there is none', async () => {
  await using world = await createWorld()
  const app = await createApi(world.ctx)
  await using _closing = { [Symbol.asyncDispose]: () => app.close() }
  const needing = Object.values(OPERATIONS)
    .flatMap((operations) => Object.entries(operations))
    .filter(([name, { session }]) => session === 'needed' && /^GET [^{]*$/.test(name))

  for (const [name] of needing) {
    const { statusCode } = await app.inject(`/api/v1${name.slice('GET '.length)}`)
    expect([name, statusCode]).toEqual([name, 401])
  }
})
