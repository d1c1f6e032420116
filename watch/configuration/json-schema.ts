/** The schema of a service's file for editors, out of the one that checks it. */
import { z } from 'zod'
import { ServiceEntry } from './schema.ts'

/** What stands in a text for a variable of the watch's environment, as a text that JSON Schema takes. */
const VARIABLE = { type: 'string', pattern: String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}]*)?\}` }
const DEMANDS = ['format', 'pattern', 'minLength']

/** JSON Schema (draft 2020-12), as the text of `service.schema.json`. */
export function serviceJsonSchema(): string {
  const schema = z.toJSONSchema(ServiceEntry, { io: 'input', unrepresentable: 'any' })
  const written = { ...(allowVariables(schema) as object), title: 'A service that the watch watches' }
  return `${JSON.stringify(written, null, 2)}\n`
}

/** An editor sees the text as it is written: `${UPBEAT_URL}` is no address yet, and no mistake either. */
function allowVariables(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(allowVariables)
  if (typeof schema !== 'object' || schema === null) return schema
  if ('type' in schema && schema.type === 'string' && DEMANDS.some((name) => name in schema)) {
    const { description, default: left, ...demands } = schema as Record<string, unknown>
    return {
      ...(description !== undefined && { description }),
      ...(left !== undefined && { default: left }),
      anyOf: [demands, VARIABLE],
    }
  }
  // Names of settings are no values: variables are not filled in there.
  return Object.fromEntries(
    Object.entries(schema).map(([name, each]) => [
      name,
      name === 'propertyNames' ? each : allowVariables(each),
    ]),
  )
}
