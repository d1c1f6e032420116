/** From an instance to a backup, and from the backup to an instance. */
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openContext } from '../../app/context.ts'
import { readRestoreMark, setRestoreMark } from '../../app/restore-mark.ts'
import { holdDeletions, makeUpForDeletions } from '../../infra/blobs/index.ts'
import { listMigrations, migrateTo, openDatabase } from '../../infra/db/index.ts'
import type { Queue } from '../../infra/jobs/index.ts'
import { originalKeyOf } from '../videos/index.ts'
import { eraseVideo } from '../videos/videos.jobs.ts'
import { deleteVideo } from '../videos/index.ts'
import { renderManifest, type Manifest } from './kept/backup-manifest.ts'
import {
  addVideo,
  allBlobs,
  ask,
  makeEmptyDatabase,
  never,
  prove,
  setUpStage,
  stageBytes,
  type Stage,
} from './backups.fixtures.ts'
import { openBackup } from './kept/read-backup.ts'
import { placesOf, restoreFiles } from './restoring/restore-files.ts'

/** Every row of every table that a backup keeps, as text. */
async function allRows(url: string): Promise<Record<string, string>> {
  const tables = await ask(
    url,
    `select table_name::text as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
     and table_name not in ('migration', 'migration_lock', 'feed_change', 'feed_snapshot', 'blob_hold') order by 1`,
  )
  const found: Record<string, string> = {}
  for (const { name } of tables) {
    const rows = await ask(url, `select t::text as line from "${String(name)}" t order by 1`)
    found[String(name)] = rows.map(({ line }) => String(line)).join('\n')
  }
  return found
}

/** Changes the newest backup's manifest, as another version would have written it. */
async function rewriteManifest(
  stage: Stage,
  change: (manifest: Manifest) => Partial<Manifest>,
): Promise<void> {
  const { folder, manifest } = await openBackup(stage.place, null)
  await writeFile(join(folder, 'manifest.json'), renderManifest({ ...manifest, ...change(manifest) }, null))
}

/** `table.column` of a schema that had had this migration last. */
async function columnsAsOf(stage: Stage, migration: string): Promise<Set<string>> {
  await using empty = await makeEmptyDatabase(stage.world.databaseUrl)
  await using database = openDatabase({
    ...{ url: empty.url, poolSize: 1, applicationName: 'test', onError: () => {} },
  })
  await migrateTo(database.db, migration)
  const rows = await ask(
    empty.url,
    `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'`,
  )
  return new Set(rows.map(({ name }) => String(name)))
}

const someQueue: Queue<{ readonly n: number }> = { name: 'backup-test' }

test('what is restored is what was there: rows, files, uploads under way, jobs and secrets', async () => {
  await using stage = await setUpStage()
  const { world } = stage
  await addVideo(stage)
  const staged = await stageBytes(stage, '0193a5b0-0000-7000-8000-000000000000.bytes', 70_000)
  await world.ctx.jobs.enqueue(world.ctx.db, someQueue, { n: 7 })
  const before = { rows: await allRows(world.databaseUrl), blobs: await allBlobs(world.config.paths.blobs) }

  await stage.backUp()
  const place = await stage.makeEmptyPlace()
  await stage.restoreTo(place)

  expect(await allRows(place.database.url!)).toEqual(before.rows)
  expect(await allBlobs(place.paths.blobs)).toEqual(before.blobs)
  expect(await readFile(join(place.paths.staging, '0193a5b0-0000-7000-8000-000000000000.bytes'))).toEqual(
    staged,
  )
  expect(await readFile(place.paths.secrets, 'utf8')).toBe(await readFile(world.config.paths.secrets, 'utf8'))
  expect((await stat(place.paths.secrets)).mode & 0o777).toBe(0o600)
  expect(await ask(place.database.url!, `select data from pgboss.job where name = 'backup-test'`)).toEqual([
    { data: { n: 7 } },
  ])
  expect(await readRestoreMark(place.dataDir)).toBeNull()
})

test('a restored instance goes on: constraints hold, sequences count on, and the feed’s log takes changes', async () => {
  await using stage = await setUpStage()
  const { videoId, accountId } = await addVideo(stage)
  await stage.backUp()
  const place = await stage.makeEmptyPlace()
  await stage.restoreTo(place)

  await using open = await openContext({ config: place, role: 'test' })
  await expect(
    open.ctx.db
      .insertInto('video_like')
      .values({ account_id: accountId, video_id: open.ctx.newId(), created_at: new Date() })
      .execute(),
  ).rejects.toThrow(/foreign key/)
  await open.ctx.db.updateTable('video').set({ caption: 'changed' }).where('id', '=', videoId).execute()
  expect(await ask(place.database.url!, 'select kind from feed_change')).toEqual([{ kind: 'video' }])
})

test('a backup shows one moment: what is committed while it is made is not in it', async () => {
  await using stage = await setUpStage()
  const { world } = stage
  await world.account({ handle: 'before.it' })
  let isFirst = true
  const { makeBackup } = await import('./making/make-backup.ts')
  await makeBackup(world.ctx, {
    place: stage.place,
    key: null,
    signal: never,
    onProgress({ phase }) {
      if (phase !== 'tables' || !isFirst) return
      isFirst = false
      void world.account({ handle: 'meanwhile' })
    },
  })
  await expect
    .poll(() => ask(world.databaseUrl, `select 1 as found from account where username = 'meanwhile'`))
    .toHaveLength(1)

  const place = await stage.makeEmptyPlace()
  await stage.restoreTo(place)

  expect(await ask(place.database.url!, 'select username from account')).toEqual([{ username: 'before.it' }])
})

test('files of a video that is deleted while a backup is made are deleted after it', async () => {
  await using stage = await setUpStage()
  const { ctx } = stage.world
  const { videoId, accountId } = await addVideo(stage)
  const isThere = async () => (await ctx.blobs.stat(originalKeyOf(videoId))) !== null
  {
    await using _hold = await holdDeletions(ctx.db, ctx.newId())
    await deleteVideo(ctx, { viewerId: accountId, videoId })
    await eraseVideo(ctx, videoId)
    expect(await makeUpForDeletions(ctx.db, ctx.blobs)).toBe(0)
    expect(await isThere()).toBe(true)
  }
  expect(await makeUpForDeletions(ctx.db, ctx.blobs)).toBe(2)
  expect(await isThere()).toBe(false)
})

test('a second backup stores only what is new', async () => {
  await using stage = await setUpStage()
  await addVideo(stage)
  const first = await stage.backUp()
  await stage.world.ctx.blobs.put('pictures/new.jpg', Buffer.from('a new picture'))
  // Names of backups have whole seconds.
  await expect
    .poll(() => new Date().toISOString().slice(0, 19) > first.manifest.startedAt.slice(0, 19))
    .toBe(true)
  const second = await stage.backUp()

  expect(first.manifest.files.newCount).toBeGreaterThan(5)
  expect(second.manifest.files).toMatchObject({
    count: first.manifest.files.count + 1,
    newCount: 1,
    newBytes: 13,
  })
  const place = await stage.makeEmptyPlace()
  await stage.restoreTo(place)
  expect(await allBlobs(place.paths.blobs)).toEqual(await allBlobs(stage.world.config.paths.blobs))
})

test('a restore is proven by comparing every row and file, and by playing a video; nothing of it stays', async () => {
  await using stage = await setUpStage()
  const { videoId } = await addVideo(stage)
  const { manifest } = await stage.backUp()
  const databases = () =>
    ask(stage.world.databaseUrl, `select datname from pg_database where datname like 'upbeat_restore%'`)

  const proof = await prove(stage)

  expect(proof).toMatchObject({
    tables: manifest.tables.length,
    files: manifest.files.count,
    played: { videoId, videoFrames: expect.any(Number), audioFrames: expect.any(Number) },
  })
  expect(proof.played!.videoFrames).toBeGreaterThan(5)
  expect(await databases()).toEqual([])
})

test('what changed on the disk of a backup is found, in a file and in a table', async () => {
  await using stage = await setUpStage()
  await addVideo(stage)
  const { folder } = await stage.backUp()
  const backup = await openBackup(stage.place, null)
  let path = ''
  for await (const file of backup.listFiles())
    if (file.name.startsWith('originals/')) path = backup.objects.plainPath(file.object)!
  const whole = await readFile(path)
  const spoilt = Buffer.from(whole)
  spoilt[1_000]! ^= 1
  // A new file: a hard link would spoil the instance, too.
  await rm(path)
  await writeFile(path, spoilt)
  await expect(prove(stage)).rejects.toMatchObject({ code: 'backup-damaged' })
  await writeFile(path, whole)
  await prove(stage)

  const table = join(folder, 'tables', 'public.account.copy')
  await writeFile(table, (await readFile(table, 'utf8')).replace('person', 'parson'))
  await expect(prove(stage)).rejects.toMatchObject({ code: 'backup-damaged' })
})

test('an old backup under a newer name is refused, and under a name of its own it is read', async () => {
  await using stage = await setUpStage()
  const { folder, manifest } = await stage.backUp()
  const newer = join(stage.place, '2099-01-01T00-00-00Z')
  const own = join(stage.place, 'before-the-upgrade')
  await rename(folder, newer)
  await expect(openBackup(stage.place, null)).rejects.toMatchObject({ code: 'backup-damaged' })
  await rename(newer, own)
  expect((await openBackup(own, null)).manifest).toEqual(manifest)
})

test('a file for the data folder that no backup has is refused', async () => {
  await using stage = await setUpStage()
  await stage.backUp()
  const backup = await openBackup(stage.place, null)
  const [secrets] = await Array.fromAsync(backup.listFiles()).then((files) =>
    files.filter(({ place }) => place === 'instance'),
  )
  const forged = {
    ...backup,
    async *listFiles() {
      yield { ...secrets!, name: 'postgres/cluster/postgresql.conf' }
    },
  }

  const restoring = restoreFiles(forged, { places: placesOf(stage.world.config), signal: never })

  await expect(restoring).rejects.toMatchObject({ code: 'backup-damaged' })
})

test('a cancelled backup leaves no backup, and the next one is whole', async () => {
  await using stage = await setUpStage()
  await addVideo(stage)
  const cancelling = new AbortController()
  const { makeBackup } = await import('./making/make-backup.ts')
  const attempt = makeBackup(stage.world.ctx, {
    place: stage.place,
    key: null,
    signal: cancelling.signal,
    onProgress: ({ phase, done }) =>
      phase === 'tables' && done === 3 && cancelling.abort(new Error('enough')),
  })

  await expect(attempt).rejects.toThrow()
  await expect(openBackup(stage.place, null)).rejects.toMatchObject({ code: 'backup-place-unfit' })
  expect((await readdir(stage.place)).filter((name) => name.startsWith('.unfinished'))).toEqual([])
  expect(await ask(stage.world.databaseUrl, 'select 1 from blob_hold')).toEqual([])
  await stage.backUp()
  await prove(stage)
})

test('a restore overwrites nothing: neither files, nor a database with tables', async () => {
  await using stage = await setUpStage()
  await stage.backUp()
  const refused = { code: 'backup-place-unfit' }
  await expect(stage.restoreTo(stage.world.config)).rejects.toMatchObject(refused)
  const place = await stage.makeEmptyPlace()
  await ask(place.database.url!, 'create table something (x int)')
  await expect(stage.restoreTo(place)).rejects.toMatchObject(refused)
})

test('a restore that was cut off begins anew', async () => {
  await using stage = await setUpStage()
  await addVideo(stage)
  await stage.backUp()
  const place = await stage.makeEmptyPlace()
  await setRestoreMark(place.dataDir, stage.place)
  await writeFile(join(place.dataDir, 'secrets.json'), 'half')

  await stage.restoreTo(place)

  expect(await readFile(place.paths.secrets, 'utf8')).toBe(
    await readFile(stage.world.config.paths.secrets, 'utf8'),
  )
  expect(await readRestoreMark(place.dataDir)).toBeNull()
})

test('a backup of a newer schema is refused with what to do', async () => {
  await using stage = await setUpStage()
  await stage.backUp()
  await rewriteManifest(stage, ({ migrations }) => ({ migrations: [...migrations, '9999-from-the-future'] }))
  const place = await stage.makeEmptyPlace()
  await expect(stage.restoreTo(place)).rejects.toMatchObject({
    code: 'backup-newer',
    message: expect.stringContaining('9999-from-the-future'),
  })
})

test('a backup of an older schema is brought up to date', async () => {
  await using stage = await setUpStage()
  const { accountId } = await addVideo(stage)
  await stage.backUp()
  const isLater = (name: string) => name > '0012-comments-by-account'
  // As a version wrote it that knew neither the later migrations nor the tables that they make.
  const columns = await columnsAsOf(stage, '0012-comments-by-account')
  await rewriteManifest(stage, ({ migrations, tables }) => ({
    migrations: migrations.filter((name) => !isLater(name)),
    tables: tables.filter((table) => table.columns.every((column) => columns.has(`${table.name}.${column}`))),
  }))
  const place = await stage.makeEmptyPlace()

  expect((await stage.restoreTo(place)).database.migrated).toEqual((await listMigrations()).filter(isLater))

  expect(await ask(place.database.url!, 'select id from account')).toEqual([{ id: accountId }])
  expect(await ask(place.database.url!, 'select * from blob_deletion')).toEqual([])
})

test('another instance’s place, and a folder with something else in it, take no backup', async () => {
  await using one = await setUpStage()
  await using two = await setUpStage()
  await one.backUp()
  const { makeBackup } = await import('./making/make-backup.ts')
  const into = (place: string) => makeBackup(two.world.ctx, { place, key: null, signal: never })
  await expect(into(one.place)).rejects.toMatchObject({ code: 'backup-place-unfit' })
  await expect(into(two.world.config.paths.blobs)).rejects.toMatchObject({ code: 'backup-place-unfit' })
})

test('one backup at a time', async () => {
  await using stage = await setUpStage()
  await addVideo(stage)
  const outcomes = await Promise.allSettled([stage.backUp(), stage.backUp()])
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused).toMatchObject({ reason: { code: 'backup-under-way' } })
})
