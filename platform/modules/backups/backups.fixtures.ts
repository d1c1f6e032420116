/** Instances with something to lose, places to keep it, and a look at what came back. */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { createLog } from '../../../kit/log.ts'
import type { ClipName } from '../../../tests/support/clips.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { createWorld, type World, type WorldOptions } from '../../../tests/support/world.ts'
import { loadConfig, type Config } from '../../app/config.ts'
import { likeVideo } from '../reactions/index.ts'
import { markBlobStore } from '../transcoding/blob-store.ts'
import { makeFirstPlayable } from '../transcoding/first-playable.ts'
import { storeVideo } from '../transcoding/transcoding.fixtures.ts'
import type { BackupKey } from './kept/key-file.ts'
import { makeBackup, type MadeBackup } from './making/make-backup.ts'
import { openBackup } from './kept/read-backup.ts'
import { proveRestore } from './restoring/prove-restore.ts'
import { restoreInstance } from './restoring/restore-instance.ts'

export const never = new AbortController().signal
export const silent = createLog({ level: 'silent', base: {} })

export interface Stage extends AsyncDisposable {
  readonly world: World
  /** Where its backups are kept. */
  readonly place: string
  backUp(key?: BackupKey | null, signal?: AbortSignal): Promise<MadeBackup>
  /** An empty data folder and an empty database, on the same server. */
  makeEmptyPlace(): Promise<Config>
  /** Restores the newest backup there. */
  restoreTo(config: Config, key?: BackupKey | null): ReturnType<typeof restoreInstance>
}

/** An instance that was started before, without a video. */
export async function setUpStage(options: WorldOptions = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld(options))
  const dir = stack.use(await makeTemporaryDir())
  await markBlobStore(world.ctx)
  const place = join(dir.path, 'kept')
  let places = 0
  const owned = stack.move()
  return {
    world,
    place,
    backUp: (key = null, signal = never) => makeBackup(world.ctx, { place, key, signal }),
    async makeEmptyPlace() {
      const database = await makeEmptyDatabase(world.databaseUrl)
      owned.defer(() => database[Symbol.asyncDispose]())
      const dataDir = join(dir.path, `restored-${++places}`)
      await mkdir(dataDir)
      return loadConfig({ DATA_DIR: dataDir, DATABASE_URL: database.url, LOG_LEVEL: 'silent' })
    },
    restoreTo: async (config, key = null) =>
      restoreInstance({ config, log: silent }, await openBackup(place, key), { signal: never }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A video that plays, liked by its author. */
export async function addVideo(
  { world }: Stage,
  name: ClipName = 'h264',
): Promise<{ videoId: string; accountId: string }> {
  const video = await storeVideo(world, name, { isPublishRequested: true })
  await makeFirstPlayable(world.ctx, video, never)
  await likeVideo(world.ctx, { viewerId: video.accountId, videoId: video.videoId })
  return video
}

/** Bytes of an upload that is under way, as the ingest role leaves them. */
export async function stageBytes({ world }: Stage, name: string, sizeBytes: number): Promise<Buffer> {
  const bytes = randomBytes(sizeBytes)
  await mkdir(world.config.paths.staging, { recursive: true })
  await writeFile(join(world.config.paths.staging, name), bytes)
  return bytes
}

export async function makeEmptyDatabase(near: string): Promise<AsyncDisposable & { url: string }> {
  const url = new URL(near)
  const name = `empty_${randomBytes(8).toString('hex')}`
  const administer = (statement: string) => ask(near, statement)
  await administer(`create database ${name}`)
  url.pathname = `/${name}`
  return {
    url: url.href,
    [Symbol.asyncDispose]: async () =>
      void (await administer(`drop database if exists ${name} with (force)`)),
  }
}

/** One statement on a connection of its own. */
export async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

/** Every file below a folder, as base64 by its path. */
export async function allBlobs(root: string): Promise<Record<string, string>> {
  const names = await readdir(root, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(
    await Promise.all(
      files
        .sort()
        .map(async (path) => [path.slice(root.length), (await readFile(path)).toString('base64')] as const),
    ),
  )
}

export const prove = async (stage: Stage, key: BackupKey | null = null) =>
  proveRestore({ config: stage.world.config, log: silent }, await openBackup(stage.place, key), {
    serverUrl: stage.world.databaseUrl,
    signal: never,
  })
