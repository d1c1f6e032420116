import { expect, test } from 'vitest'
import { explainInitdb } from './cluster.ts'

test('a disk without room for the database says so, and what to do', () => {
  const output = 'FATAL:  could not write to file "pg_wal/xlogtemp.60": No space left on device'

  const told = explainInitdb('/srv/upbeat/postgres', 1, output)

  expect(told).toContain('no room for the database in /srv/upbeat/postgres')
  expect(told).toContain('./up --data DIR')
  expect(told).not.toContain('FATAL')
})

test('what is not known is told in PostgreSQL’s own words', () => {
  expect(explainInitdb('/srv/upbeat/postgres', 1, 'initdb: error: something new')).toContain('something new')
})
