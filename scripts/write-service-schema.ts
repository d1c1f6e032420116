/** `node scripts/write-service-schema.ts`: writes the JSON Schema of the watch's service files, for editors. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serviceJsonSchema } from '../watch/configuration/json-schema.ts'

await writeFile(
  join(import.meta.dirname, '..', 'watch', 'configuration', 'service.schema.json'),
  serviceJsonSchema(),
)
