/** The schema of a service's file for editors, out of the one that checks it. */
import { z } from 'zod'
import { ServiceEntry } from './schema.ts'

/** JSON Schema (draft 2020-12), as the text of `service.schema.json`. */
export function serviceJsonSchema(): string {
  const schema = z.toJSONSchema(ServiceEntry, { io: 'input', unrepresentable: 'any' })
  return `${JSON.stringify({ ...schema, title: 'A service that the watch watches' }, null, 2)}\n`
}
