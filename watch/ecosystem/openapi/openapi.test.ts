import { expect, test } from 'vitest'
import { openWholeWatch } from '../../http/whole-watch.fixtures.ts'
import { createWatchWorld } from '../../pages/world.fixtures.ts'
import { OPERATIONS } from './operations.ts'

interface Operation {
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly security?: readonly object[]
  readonly parameters?: readonly { name: string; in: string }[]
  readonly requestBody?: { content: Record<string, { schema: { properties: object } }> }
  readonly responses: Record<string, { content?: Record<string, { schema: { properties: object } }> }>
}
interface Document {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
}

/** The description that a whole watch gives of itself. */
async function describeWatch(): Promise<Document> {
  await using world = await createWatchWorld()
  await using app = await openWholeWatch(world)
  return (await app.inject('/api/openapi.json')).json<Document>()
}

test('the description has every operation for programs, each with its words, and no page', async () => {
  const { openapi, paths } = await describeWatch()
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )

  expect(openapi).toBe('3.1.0')
  expect(found.toSorted()).toEqual(
    Object.values(OPERATIONS)
      .flatMap((operations) => Object.keys(operations))
      .toSorted(),
  )
  for (const [path, methods] of Object.entries(paths))
    for (const operation of Object.values(methods)) {
      expect(operation).toMatchObject({
        summary: expect.stringMatching(/^\S.{3,}/),
        tags: [expect.any(String)],
      })
      const named = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(named.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
    }
})

test('what is signed says so, with the shape of its body, and what is open asks for nothing', async () => {
  const { paths } = await describeWatch()
  const operation = (method: string, path: string) => paths[`/api/v1/services/{service}/${path}`]![method]!
  const signed = { key: [], timestamp: [], nonce: [], signature: [] }

  expect(operation('post', 'markers').security).toEqual([signed])
  expect(operation('post', 'alerts').security).toEqual([signed, { bearer: [] }])
  expect(operation('get', 'status.json').security).toEqual([])
  const bodyOf = (path: string) =>
    operation('post', path).requestBody!.content['application/json']!.schema.properties
  expect(bodyOf('markers')).toMatchObject({ what: { enum: expect.arrayContaining(['release']) } })
  expect(bodyOf('alerts')).toMatchObject({ version: { enum: ['4'] } })
  expect(bodyOf('reports')).toHaveProperty('feature')
  expect(Object.keys(operation('post', 'alerts').responses)).toEqual(['202', 'default'])
  const answer = operation('get', 'status.json').responses['200']!
  expect(answer.content!['application/json']!.schema.properties).toHaveProperty('isBlind')
})
