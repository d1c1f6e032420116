/** Asks the database whose address comes by standard input; the exit code is 0 when it answers. */
import { text } from 'node:stream/consumers'
import pg from 'pg'

const client = new pg.Client({
  connectionString: (await text(process.stdin)).trim(),
  application_name: 'upbeat-status',
})
client.on('error', () => process.exit(1))
try {
  await client.connect()
  await client.query('select 1')
  process.exit(0)
} catch {
  process.exit(1)
}
