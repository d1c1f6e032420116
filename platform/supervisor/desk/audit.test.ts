import { appendFile, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { expect, test } from 'vitest'
import type { AuditEntry } from '../../../contract/operations.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { openAudit } from './audit.ts'

const entry = (detail: string): AuditEntry => ({
  id: uuidv7(),
  at: '2026-01-01T00:00:00.000Z',
  who: { kind: 'command-line', user: 'alex' },
  order: { type: 'set-level', level: 2, reason: 'new disks', forS: 600 },
  outcome: { state: 'done', detail },
})

test('entries are added, read newest first, and read by their owner alone', async () => {
  await using dir = await makeTemporaryDir()
  const audit = openAudit(dir.path)
  expect(await audit.latest(10)).toEqual([])
  const entries = ['one', 'two', 'three'].map(entry)
  await Promise.all(entries.map((it) => audit.add(it)))

  expect((await audit.latest(2)).map(({ outcome }) => outcome.detail)).toEqual(['three', 'two'])
  expect(await openAudit(dir.path).latest(10)).toEqual(entries.toReversed())
  expect((await stat(join(dir.path, 'logs', 'audit.jsonl'))).mode & 0o077).toBe(0)
})

test('a line that a crash cut off is left out, and takes no other with it', async () => {
  await using dir = await makeTemporaryDir()
  const path = join(dir.path, 'logs', 'audit.jsonl')
  await openAudit(dir.path).add(entry('before'))
  await appendFile(path, JSON.stringify(entry('torn')).slice(0, 40))
  const audit = openAudit(dir.path)

  await audit.add(entry('after'))

  expect((await audit.latest(10)).map(({ outcome }) => outcome.detail)).toEqual(['after', 'before'])
  expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(4)
})
