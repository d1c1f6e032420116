/**
 * Proves that a backup can be restored: into a database and a folder of its own, which are thrown away. Every table is
 * compared with what was dumped, every file with its hash, and one video is played from what was restored.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog, type Log } from '../../../../kit/log.ts'
import type { Config } from '../../../app/config.ts'
import { openContext, type Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import { createApp } from '../../../app/http.ts'
import { makeScratchDatabase } from '../../../infra/db/dump/index.ts'
import { startPostgres } from '../../../infra/postgres/index.ts'
import { registerMedia } from '../../delivery/index.ts'
import { blobPrefixOf, findVideo, listPlayable, mediaUrlsOf, signMediaToken } from '../../videos/index.ts'
import { playVideo, type Played } from './play-video.ts'
import type { OpenBackup } from '../kept/read-backup.ts'
import { restoreDatabase } from './restore-database.ts'
import { checkFiles, placesOf, restoreFiles } from './restore-files.ts'

export interface ProofProgress {
  readonly phase: 'tables' | 'files' | 'playing'
  readonly done: number
  readonly total: number | null
}

export interface ProofInput {
  /** A server that takes a database beside its own for a while; null: one is started, and thrown away. */
  readonly serverUrl: string | null
  /**
   * Which files are read back: all, or the share whose hash falls to this turn, so that each file's turn comes.
   * @default all
   */
  readonly turn?: { readonly index: number; readonly of: number }
  readonly signal: AbortSignal
  readonly onProgress?: (progress: ProofProgress) => void
}

export interface Proof {
  readonly backup: string
  readonly tables: number
  readonly rows: number
  readonly migrated: readonly string[]
  /** Read back, compared with their hashes. */
  readonly files: number
  readonly filesTotal: number
  readonly bytes: number
  /** Null: the backup has no video that could be played. */
  readonly played: (Played & { readonly videoId: string }) | null
  readonly durationMs: number
}

/**
 * Restores on trial. What it needs is taken away again, however it ends.
 *
 * @throws {AppError} backup-damaged, backup-newer, restore-not-proven.
 */
export async function proveRestore(
  source: { readonly config: Config; readonly log: Log },
  backup: OpenBackup,
  input: ProofInput,
): Promise<Proof> {
  const startedMs = performance.now()
  const { signal, onProgress } = input
  await using stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'upbeat-restore-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  // A PostgreSQL of its own may run as another user, who has to pass through; what lies inside is for its owner alone.
  await chmod(dir, 0o711)
  const url = stack.use(await openScratch(input.serverUrl, dir, backup)).url
  const database = await restoreDatabase(backup, {
    url,
    signal,
    onError: (error) => source.log.warn({ err: error }, 'restore.connection'),
    onTable: (done, total) => onProgress?.({ phase: 'tables', done, total }),
  })
  const filesTotal = backup.manifest.files.count
  const files = await checkFiles(backup, {
    signal,
    isWanted: ({ sha256 }) =>
      input.turn === undefined ||
      Number.parseInt(sha256.slice(0, 8), 16) % input.turn.of === input.turn.index,
    onFile: (done) => onProgress?.({ phase: 'files', done, total: input.turn ? null : filesTotal }),
  })
  onProgress?.({ phase: 'playing', done: 0, total: 1 })
  const played = await playOne(source, backup, { dir, url, signal })
  return {
    backup: backup.name,
    tables: database.tables,
    rows: database.rows,
    migrated: database.migrated,
    files: files.count,
    filesTotal,
    bytes: files.bytes,
    played,
    durationMs: performance.now() - startedMs,
  }
}

const INSUFFICIENT_PRIVILEGE = '42501'

async function openScratch(
  serverUrl: string | null,
  dir: string,
  { manifest }: OpenBackup,
): Promise<AsyncDisposable & { readonly url: string }> {
  if (serverUrl !== null) {
    // The same name for each trial of an instance: what a trial left that was killed goes with the next.
    const name = `upbeat_restore_${manifest.storeId.replaceAll(/[^0-9a-f]/g, '').slice(-12)}`
    try {
      return await makeScratchDatabase(serverUrl, name)
    } catch (error) {
      // An account that may not make databases; one of our own will do.
      if ((error as { code?: string }).code !== INSUFFICIENT_PRIVILEGE) throw error
    }
  }
  return startPostgres({
    dataDir: join(dir, 'postgres'),
    log: createLog({ level: 'silent', base: {} }),
    // It is thrown away: nothing of it needs to reach the disk.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '64MB' },
  })
}

async function playOne(
  { config, log }: { readonly config: Config; readonly log: Log },
  backup: OpenBackup,
  scratch: { readonly dir: string; readonly url: string; readonly signal: AbortSignal },
): Promise<Proof['played']> {
  const { dir, url, signal } = scratch
  const paths = { ...config.paths, blobs: join(dir, 'blobs'), staging: join(dir, 'staging') }
  const places = placesOf({ dataDir: dir, paths })
  await mkdir(places.blobs)
  await restoreFiles(backup, { places, signal, isWanted: ({ place }) => place === 'instance' })
  const scratchConfig: Config = {
    ...config,
    logLevel: 'silent',
    dataDir: dir,
    database: { url, poolSize: 2 },
    paths: {
      ...paths,
      secrets: join(dir, 'secrets.json'),
    },
  }
  await using open = await openContext({ config: scratchConfig, role: 'restore' })
  const [videoId] = await listPlayable(open.ctx.db, 1)
  if (videoId === undefined) return null
  const prefix = `${blobPrefixOf(videoId)}/`
  await restoreFiles(backup, {
    places,
    signal,
    isWanted: ({ place, name }) => place === 'blobs' && name.startsWith(prefix),
  })
  try {
    return { videoId, ...(await playFrom(open.ctx, videoId, signal)) }
  } catch (cause) {
    signal.throwIfAborted()
    log.error({ err: cause, videoId }, 'restore.not-playable')
    throw new AppError('restore-not-proven', {
      detail: `The video ${videoId} of ${backup.folder} does not play: ${(cause as Error).message}`,
      cause,
    })
  }
}

/** By the very routes that deliver to players. */
async function playFrom(ctx: Ctx, videoId: string, signal: AbortSignal): Promise<Played> {
  const app = createApp(ctx)
  registerMedia(app, ctx)
  try {
    await app.ready()
    const video = await findVideo(ctx.db, videoId)
    if (!video) throw new Error('It is gone.')
    const urls = mediaUrlsOf(
      {
        id: videoId,
        generation: video.generation,
        posterVersion: video.poster_version,
        previewVersion: video.preview_version,
      },
      signMediaToken(ctx.secrets.media, videoId, ctx.clock.now()),
    )
    return await playVideo(
      urls.masterUrl,
      async (path) => {
        const answer = await app.inject({ method: 'GET', url: path })
        if (answer.statusCode !== 200) throw new Error(`${path} is answered by ${answer.statusCode}.`)
        return answer.rawPayload
      },
      signal,
    )
  } finally {
    await app.close()
  }
}
