/** What a backup has besides tables and videos: what was acknowledged without the database, and the watch's files. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openContext } from '../../app/context.ts'
import { ACTS, openJournalWorld, openScene } from '../../app/journal/journal.fixtures.ts'
import { replayAll } from '../../app/journal/index.ts'
import { markBlobStore } from '../transcoding/blob-store.ts'
import { makeBackup } from './making/make-backup.ts'
import { ORDERS_FILE } from '../../app/supervisor-link.ts'
import { inboxOf, readLastGood, writeLastGood } from '../../releases/index.ts'
import { ask, makeEmptyDatabase, never, setUpStage, silent } from './backups.fixtures.ts'
import { readManifest, renderManifest } from './kept/backup-manifest.ts'
import { openBackup } from './kept/read-backup.ts'
import { restoreInstance } from './restoring/restore-instance.ts'

test('what was acknowledged without the database is in the restored instance, once', async () => {
  await using journals = await openJournalWorld()
  const { world } = journals
  const { fan, videoId, keeper } = await openScene(journals)
  await using _keeper = keeper
  await markBlobStore(world.ctx)
  journals.takeAway()
  const kept = [
    await keeper.api.call('PUT', `/videos/${videoId}/like`, fan),
    await keeper.api.call('POST', `/videos/${videoId}/comments`, fan, {
      payload: { body: 'While you were away' },
    }),
  ]
  expect(kept.map(({ statusCode }) => statusCode)).toEqual([200, 201])
  const place = join(world.config.dataDir, 'kept')
  const backUp = (source = world.ctx) => makeBackup(source, { place, key: null, signal: never })

  // By the way on which there is no database it says that there is none.
  await expect(backUp(keeper.ctx)).rejects.toMatchObject({
    code: 'backup-no-database',
    message: expect.stringContaining(journals.root),
  })
  await expect(openBackup(place, null)).rejects.toMatchObject({ code: 'backup-place-unfit' })
  expect((await backUp()).manifest.leftOut).toEqual([])

  await using database = await makeEmptyDatabase(world.databaseUrl)
  const dataDir = join(world.config.dataDir, 'restored')
  const { loadConfig } = await import('../../app/config.ts')
  const config = loadConfig({ DATA_DIR: dataDir, DATABASE_URL: database.url, LOG_LEVEL: 'silent' })
  await restoreInstance({ config, log: silent }, await openBackup(place, null), { signal: never })
  const found = () =>
    Promise.all([
      ask(database.url, 'select account_id::text from video_like'),
      ask(database.url, 'select body from comment'),
    ])
  expect(await found()).toEqual([[], []])
  for (let start = 0; start < 2; start++) {
    await using open = await openContext({ config, role: 'test', isKeeping: true })
    await replayAll(open.ctx, ACTS)
    expect(open.ctx.journal!.pending()).toBe(0)
  }
  expect(await found()).toEqual([[{ account_id: fan.id }], [{ body: 'While you were away' }]])
  // The instance itself still has them, and does them once, too.
  journals.giveBack()
  await keeper.replay()
  expect(await ask(world.databaseUrl, 'select account_id::text from video_like')).toEqual([
    { account_id: fan.id },
  ])
})

test('what was set aside for a person to look at comes along', async () => {
  await using stage = await setUpStage()
  const { journalAside } = stage.world.config.paths
  await mkdir(journalAside, { recursive: true })
  await writeFile(join(journalAside, 'entry-1.json'), 'promised')
  await stage.backUp()
  const place = await stage.makeEmptyPlace()
  await stage.restoreTo(place)
  expect(await readdir(place.paths.journalAside)).toEqual(['entry-1.json'])
})

test('what was ordered and what was released is in force in the restored instance, and nothing else that lay beside it', async () => {
  await using stage = await setUpStage()
  const { config, secrets } = stage.world.ctx
  const text = JSON.stringify({ regions: { eu: { state: 'serving' } } })
  await writeLastGood(config.dataDir, secrets.vault, { kind: 'regions', text, at: new Date() })
  await mkdir(inboxOf(config.dataDir), { recursive: true })
  await writeFile(join(inboxOf(config.dataDir), 'flags.json'), '{}')
  await mkdir(join(config.dataDir, 'run'), { recursive: true })
  await writeFile(join(config.dataDir, ORDERS_FILE), '{"blocks":[]}')
  await stage.backUp()

  const place = await stage.makeEmptyPlace()
  await stage.restoreTo(place)

  expect((await readLastGood(place.dataDir, 'regions', secrets.vault)).good?.text).toBe(text)
  expect(await readFile(join(place.dataDir, ORDERS_FILE), 'utf8')).toBe('{"blocks":[]}')
  await expect(readdir(inboxOf(place.dataDir))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('the files of the watch are kept as of a moment while it writes, and a broken one is named', async () => {
  await using stage = await setUpStage()
  const watchDir = join(stage.world.config.dataDir, 'watch')
  await mkdir(watchDir)
  using watch = openSqlite(join(watchDir, 'watch.sqlite'))
  watch.db.exec('pragma journal_mode = wal; create table report (said text)')
  watch.db.exec(`insert into report values ('it is down')`)
  await writeFile(join(watchDir, 'operators.sqlite'), 'this is no database, whatever it is called'.repeat(20))
  watch.db.exec(`begin immediate; insert into report values ('not yet said')`)
  const { manifest } = await stage.backUp()
  watch.db.exec('commit')
  expect(manifest.leftOut).toEqual([
    { what: join(watchDir, 'operators.sqlite'), why: 'file is not a database' },
  ])

  const place = await stage.makeEmptyPlace()
  await stage.restoreTo(place)
  expect(await readdir(join(place.dataDir, 'watch'))).toEqual(['watch.sqlite'])
  using restored = openSqlite(join(place.dataDir, 'watch', 'watch.sqlite'))
  expect(restored.db.prepare('select said from report').all()).toEqual([{ said: 'it is down' }])
  expect((await readdir(stage.world.config.paths.staging)).filter((name) => name.startsWith('.'))).toEqual([])
})

function openSqlite(path: string): Disposable & { readonly db: DatabaseSync } {
  const db = new DatabaseSync(path)
  return { db, [Symbol.dispose]: () => db.close() }
}

test('what a manifest says of conditions is never run', async () => {
  await using stage = await setUpStage()
  await stage.backUp()
  const { folder, manifest } = await openBackup(stage.place, null)
  const trace = join(stage.world.config.dataDir, 'trace')
  const where = `true) to program 'touch ${trace}' --`
  const tables = manifest.tables.map((table) => ({ ...table, where }))
  await writeFile(join(folder, 'manifest.json'), renderManifest({ ...manifest, tables }, null))

  const { database } = await stage.restoreTo(await stage.makeEmptyPlace())

  expect(database.tables).toBe(tables.length)
  await expect(stat(trace)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a manifest that does not end is not read to its end', async () => {
  const endless = {
    address: 's3://kept/2026-01-01T00-00-00Z',
    async *read() {
      for (;;) yield new Uint8Array(1024 * 1024)
    },
  }
  await expect(readManifest(endless, null)).rejects.toMatchObject({ code: 'backup-damaged' })
})
