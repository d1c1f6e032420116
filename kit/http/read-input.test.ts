import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { refusalOf } from './problem-replies.ts'
import { inputCompiler, readInput } from './read-input.ts'

const problemOf = (schema: z.ZodType, value: unknown): unknown => {
  const read = readInput(z.object({ it: schema }), { it: value })
  return 'fields' in read ? read.fields.it : null
}

test.for<[z.ZodType, unknown, string]>([
  [z.string(), undefined, 'is missing; it takes text'],
  [z.string(), 5, 'takes text, not a number'],
  [z.string(), null, 'takes text, not null'],
  [z.number(), 'five', 'takes a number, not text'],
  [z.coerce.number(), 'five', 'takes a number'],
  [z.number().int(), 1.5, 'takes a whole number'],
  [z.number().int(), undefined, 'is missing; it takes a number'],
  [z.int(), undefined, 'is missing; it takes a whole number'],
  [z.boolean(), undefined, 'is missing; it takes true or false'],
  [z.array(z.string()), {}, 'takes a list, not an object'],
  [z.object({}), [], 'takes an object, not a list'],
  [z.record(z.string(), z.string()), undefined, 'is missing; it takes an object'],
  [z.iso.datetime(), undefined, 'is missing; it takes a time such as 2026-01-31T08:00:00Z'],
  [z.iso.datetime(), 'soon', 'takes a time such as 2026-01-31T08:00:00Z'],
  [z.iso.date(), 'soon', 'takes a date such as 2026-01-31'],
  [z.email(), 'me', 'takes an email address'],
  [z.url(), 'me', 'takes an address such as https://example.org/'],
  [z.uuid(), 'me', 'takes a UUID'],
  [z.base64(), '?', 'takes text in Base64'],
  [z.string().regex(/^a+$/), 'b', 'takes text of the form ^a+$'],
  [z.string().startsWith('a'), 'b', 'takes text that begins with a'],
  [z.enum(['a', 'b']), undefined, 'is missing; it takes one of a, b'],
  [z.enum(['a', 'b']), 'c', 'takes one of a, b'],
  [z.literal(1), 2, 'takes nothing but 1'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().min(3), 'a', 'takes at least 3 characters'],
  [z.string().max(1), 'ab', 'takes at most 1 character'],
  [z.string().length(2), 'abc', 'takes exactly 2 characters'],
  [z.array(z.string()).max(1), ['a', 'b'], 'takes at most 1 entry'],
  [z.number().positive(), 0, 'takes more than 0'],
  [z.number().min(1), 0, 'takes at least 1'],
  [z.number().max(3600), 3601, 'takes at most 3600'],
  [z.number().lt(2), 2, 'takes less than 2'],
  [z.number().multipleOf(5), 6, 'takes a multiple of 5'],
  [z.strictObject({}), { a: 1, b: 2 }, 'has nothing by the name of a, b'],
  [
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') })]),
    { kind: 'b' },
    'is of no kind that exists',
  ],
  [z.union([z.object({ a: z.string() }), z.array(z.string())]), 3, 'does not fit'],
  [z.string().refine(() => false), 'a', 'does not fit'],
  [z.string({ error: 'Say who you are' }), undefined, 'Say who you are'],
  [z.string().max(1, 'is too long for a mark'), 'ab', 'is too long for a mark'],
])('what a field takes is said in our words: %#', ([schema, value, words]) => {
  const said = problemOf(schema, value)
  const nested = readInput(z.object({ it: schema }), { it: value })
  expect(said ?? ('fields' in nested ? Object.values(nested.fields)[0] : null)).toBe(words)
})

test('what fits is given back as the schema makes it', () => {
  expect(readInput(z.object({ a: z.number().default(1) }), {})).toEqual({ data: { a: 1 } })
})

test('a value that is no object at all is told of as the body', () => {
  expect(readInput(z.object({}), [])).toEqual({ fields: { body: 'takes an object, not a list' } })
})

test('a route that refuses its input says so field by field', async () => {
  const app = Fastify()
  app.setValidatorCompiler(inputCompiler)
  app.setErrorHandler((error, _request, reply) => reply.code(400).send(refusalOf(error)))
  const body = z.object({ rows: z.array(z.object({ at: z.string(), count: z.number().max(9) })) })
  app.post('/', { schema: { body } }, (request) => request.body)

  const refused = await app.inject({ method: 'POST', url: '/', payload: { rows: [{ count: 10 }] } })
  const taken = await app.inject({ method: 'POST', url: '/', payload: { rows: [] } })

  expect(refused.json()).toEqual({
    code: 'invalid-input',
    details: {
      detail: 'rows.0.at: is missing; it takes text · rows.0.count: takes at most 9',
      fields: { 'rows.0.at': 'is missing; it takes text', 'rows.0.count': 'takes at most 9' },
    },
  })
  expect(taken.json()).toEqual({ rows: [] })
})
