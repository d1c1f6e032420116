/**
 * The suite's PostgreSQL: an embedded one of its own for each run, or the server of TEST_DATABASE_URL, with one migrated
 * database that worlds are cloned from.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import type { TestProject } from 'vitest/node'
import { createLog } from '../../kit/log.ts'
import { migrateToLatest, openDatabase } from '../../platform/infra/db/index.ts'
import { openJobs } from '../../platform/infra/jobs/index.ts'
import { startPostgres } from '../../platform/infra/postgres/index.ts'
import { administer, dropDatabase } from './administer.ts'
import { volatileDir } from './volatile-dir.ts'

/** A test's database lives for seconds, so nothing needs to reach the disk. */
const FAST_SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
const DIR_PREFIX = 'upbeat-test-postgres-'

const log = createLog({ level: 'silent', base: {} })

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL']
  const server = given ? { url: given, stop: async () => {} } : await startServer()
  try {
    const template = await makeTemplate(server.url)
    project.provide('databaseUrl', template)
    return async () => {
      if (given) await dropDatabase(server.url, new URL(template).pathname.slice(1))
      await server.stop()
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const parent = await volatileDir()
  await endAbandonedServers(parent)
  const dir = join(parent, `${DIR_PREFIX}${process.pid}`)
  await mkdir(dir, { recursive: true })
  const postgres = await startPostgres({ dataDir: dir, log, settings: FAST_SETTINGS })
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Servers outlive a run that was killed; its process id in the folder's name tells. */
async function endAbandonedServers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(name.startsWith(DIR_PREFIX) && name.slice(DIR_PREFIX.length))
    if (!pid || isAlive(pid)) continue
    const dir = join(parent, name)
    // To start is to adopt what lives, and what is adopted can be stopped in order.
    await startPostgres({ dataDir: dir, log }).then(
      (postgres) => postgres.stop(),
      () => {},
    )
    await rm(dir, { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Makes a database with all that a start of the product makes, and leaves it without connections, as cloning demands. */
async function makeTemplate(serverUrl: string): Promise<string> {
  const name = `template_${uuidv7().replaceAll('-', '')}`
  await administer(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const onError = (error: Error) => console.error(error)
  {
    await using database = openDatabase({
      url: url.href,
      poolSize: 1,
      applicationName: 'upbeat-test',
      onError,
    })
    await migrateToLatest(database.db)
    await using _jobs = await openJobs({ url: url.href, isWorker: false, onError })
  }
  return url.href
}
