import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { authorityDeadline, draftNotices } from './draft-notices.ts'
import { findTampering, freezeEvidence } from './freeze-evidence.ts'

async function makeDataDir() {
  const dir = await makeTemporaryDir()
  await mkdir(join(dir.path, 'logs'))
  await writeFile(join(dir.path, 'logs', 'audit.jsonl'), '{"order":"one"}\n')
  await writeFile(join(dir.path, 'logs', 'upbeat.log'), 'somebody came in\n')
  await writeFile(join(dir.path, 'secrets.json'), '{"session":"do not copy me"}')
  return dir
}

const sourceOf = (dataDir: string) => ({
  dataDir,
  programDir: join(dataDir, 'no-program'),
  at: new Date('2026-05-06T07:08:09.000Z'),
  sessions: [{ handle: 'ann', address: '192.0.2.7' }],
  reason: 'A key was found in public',
})

test('evidence is whole, read-only, and has no secret in it but its hash', async () => {
  await using dir = await makeDataDir()
  const frozen = await freezeEvidence(sourceOf(dir.path))

  expect(frozen.folder).toBe(join(dir.path, 'evidence', '2026-05-06T07-08-09Z'))
  const read = (path: string) => readFile(join(frozen.folder, path), 'utf8')
  expect(await read('data/logs/upbeat.log')).toBe('somebody came in\n')
  expect(JSON.parse(await read('sessions.jsonl'))).toEqual({ handle: 'ann', address: '192.0.2.7' })
  expect(JSON.parse(await read('secrets.jsonl'))).toMatchObject({
    path: 'secrets.json',
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  for (const path of ['manifest.json', 'secrets.jsonl', 'data-folder.jsonl'])
    expect(await read(path)).not.toContain('do not copy me')
  expect((await stat(join(frozen.folder, 'manifest.json'))).mode & 0o777).toBe(0o400)
  expect(await findTampering(frozen.folder, frozen.seal)).toEqual([])
})

test('what is changed, added or taken away afterwards is found, and so is another manifest', async () => {
  await using dir = await makeDataDir()
  const { folder, seal } = await freezeEvidence(sourceOf(dir.path))
  const log = join(folder, 'data', 'logs', 'upbeat.log')
  await chmod(log, 0o600)
  await writeFile(log, 'nobody came in!!\n')
  await writeFile(join(folder, 'planted.txt'), 'x')
  expect(await findTampering(folder, seal)).toEqual(['data/logs/upbeat.log', 'planted.txt'])
  expect(await findTampering(folder, 'another seal')).toContain('manifest.json')
})

test('without the database the evidence says that sessions are missing', async () => {
  await using dir = await makeDataDir()
  const { missing } = await freezeEvidence({ ...sourceOf(dir.path), sessions: null })
  expect(missing).toContain('sessions: the database is away')
})

test('the authority is to be told within 72 hours of knowing, across a change of the clocks too', () => {
  expect(authorityDeadline(new Date('2026-03-28T12:00:00Z')).toISOString()).toBe('2026-03-31T12:00:00.000Z')
})

test('the drafts say until when, what is known, and that unknown is unknown', () => {
  const facts = {
    instanceName: 'Our Upbeat',
    awareAt: new Date('2026-05-06T07:00:00Z'),
    draftedAt: new Date('2026-05-06T09:00:00Z'),
    reason: 'A key was found in public',
    accounts: null,
    measures: ['new keys'],
    seal: 'abc',
  }
  const [authority, people, register] = draftNotices(facts)
  expect(authority!.text).toContain('To be sent by 2026-05-09 07:00 UTC')
  expect(authority!.text).toContain('unknown at this moment')
  expect(authority!.text).toContain('- new keys')
  expect(people!.text).toContain('without undue delay')
  expect(register!.text).toContain('abc')
  expect(draftNotices({ ...facts, accounts: 0 })[0]!.text).toContain('0 accounts exist')
})
