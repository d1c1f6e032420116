/** Once per test run: a server to clone databases on, and the migrated template to clone. */
import type { TestProject } from 'vitest/node'
import { openDatabase, migrateToLatest } from '../../platform/infra/db/index.ts'
import { openJobs } from '../../platform/infra/jobs/index.ts'
import pg from 'pg'

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const serverUrl = process.env['TEST_DATABASE_URL']
  if (!serverUrl) throw new Error('TEST_DATABASE_URL is not set.')
  const admin = new pg.Client({ connectionString: serverUrl })
  await admin.connect()
  const name = `template_${process.pid}`
  await admin.query(`create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  {
    await using database = openDatabase({
      url: url.href,
      poolSize: 2,
      applicationName: 'template',
      onError: console.error,
    })
    await migrateToLatest(database.db)
    await using _jobs = await openJobs({ url: url.href, isWorker: false, onError: console.error })
  }
  project.provide('databaseUrl', url.href)
  return async () => {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.end()
  }
}
