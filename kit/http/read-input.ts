/** Input against its schema, and what is wrong with it field by field, in words for people. */
import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { sayWhatFits } from './what-fits.ts'

/** Input that does not fit its schema. */
export class UnfitInputError extends Error {
  /** Path of the field → what is wrong with it; `body` is the whole. */
  readonly fields: Readonly<Record<string, string>>

  constructor(fields: Readonly<Record<string, string>>) {
    super(describeFields(fields))
    this.fields = fields
  }
}

/** The fields in one line. */
export const describeFields = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([field, words]) => `${field}: ${words}`)
    .join(' · ')

/** Reads a value: what the schema makes of it, or what does not fit. A schema's own words come before ours. */
export function readInput<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly data: T } | { readonly fields: Record<string, string> } {
  const parsed = schema.safeParse(value, { error: sayWhatFits })
  if (parsed.success) return { data: parsed.data }
  return {
    fields: Object.fromEntries(
      parsed.error.issues.map(({ path, message }) => [path.join('.') || 'body', message]),
    ),
  }
}

/** Has Fastify read the input of its routes so; `refusalOf` knows what it refuses. */
export const inputCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (value) => {
    const read = readInput(schema, value)
    return 'data' in read ? { value: read.data } : { error: new UnfitInputError(read.fields) }
  }
