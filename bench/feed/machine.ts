/** The parts of `bench feed`: PostgreSQL, the API process and the generator, each on its core. */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createLog } from '../../kit/log.ts'
import { startPostgres } from '../../platform/infra/postgres/index.ts'
import {
  endChild,
  isPinned,
  MEASURED_CORE,
  nextMessage,
  OTHER_CORE,
  startNode,
} from '../../tests/rig/children.ts'
import type { ApiStatus } from './api-process.ts'
import type { LoadOrder, LoadResult } from './generator-process.ts'
import { seed } from './seed.ts'

/** Under the system's temporary folder: as root, PostgreSQL runs as a user who may not enter the repository. */
const HOME_DIR = join(tmpdir(), 'upbeat-bench-feed')

/** Starts the benchmark's own PostgreSQL on the other core and seeds it unless it is seeded. */
export async function openSeededDatabase(
  onProgress: (line: string) => void,
): Promise<AsyncDisposable & { readonly url: string }> {
  await mkdir(HOME_DIR, { recursive: true })
  const postgres = await startPostgres({
    dataDir: join(HOME_DIR, 'postgres'),
    log: createLog({ level: 'error', base: { role: 'bench' } }),
    settings: { max_wal_size: '4GB', checkpoint_timeout: '30min' },
  })
  try {
    await seed(postgres.url, onProgress)
    // Every session's process inherits the main process's core.
    if (isPinned) await promisify(execFile)('taskset', ['-cp', String(OTHER_CORE), String(postgres.pid)])
    return postgres
  } catch (error) {
    await postgres.stop()
    throw error
  }
}

export interface Api extends AsyncDisposable {
  readonly port: number
  readonly sessionSecret: string
  status(): Promise<ApiStatus>
  setConstantPage(page: unknown): Promise<void>
}

export async function startApi(databaseUrl: string): Promise<Api> {
  const child = startNode(join(import.meta.dirname, 'api-process.ts'), MEASURED_CORE, {
    DATABASE_URL: databaseUrl,
    DATA_DIR: join(HOME_DIR, 'data'),
    LOG_LEVEL: 'error',
  })
  const ready = await nextMessage<{ port: number; sessionSecret: string }>(child)
  const ask = async (message: object) => {
    child.send(message)
    return (await nextMessage<{ status: ApiStatus }>(child)).status
  }
  return {
    ...ready,
    status: () => ask({ type: 'status' }),
    setConstantPage: async (page) => void (await ask({ type: 'constant', page })),
    [Symbol.asyncDispose]: () => endChild(child),
  }
}

export interface Generator extends AsyncDisposable {
  load(order: LoadOrder): Promise<LoadResult>
}

export async function startGenerator(start_: {
  port: number
  sessionSecret: string
  hiddenVideoIds: string[]
  blockedPairs: string[]
}): Promise<Generator> {
  const child = startNode(join(import.meta.dirname, 'generator-process.ts'), OTHER_CORE, {})
  child.send({ type: 'start', ...start_ })
  await nextMessage(child)
  return {
    async load(order) {
      child.send({ type: 'load', order })
      return (await nextMessage<{ result: LoadResult }>(child)).result
    },
    [Symbol.asyncDispose]: () => endChild(child),
  }
}
