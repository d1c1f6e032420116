/** The database: whether it answers, how fast, and whether it is what this version needs. */
import { listMigrations, openDatabase } from '../../../../infra/db/index.ts'
import type { Check, Finding } from '../doctor.ts'
import * as queries from '../../operations.queries.ts'
import { advice, fine, problem } from './finding.ts'

const ABOUT = 'Database'
const OLDEST_VERSION = 150_000
const SLOW_MS = 50
/** Of the connections that the server allows. */
const CROWDED_SHARE = 0.8

export const checkDatabase: Check = async ({ databaseUrl, log }) => {
  if (databaseUrl === null)
    return [
      problem(ABOUT, 'The embedded PostgreSQL does not run.', 'Start Upbeat: ./up starts PostgreSQL, too.'),
    ]
  await using database = openDatabase({
    url: databaseUrl,
    poolSize: 1,
    applicationName: 'upbeat-doctor',
    onError: (error) => log.debug({ err: error }, 'doctor.connection'),
  })
  const where = new URL(databaseUrl).host
  let facts: queries.DatabaseFacts
  let tookMs: number
  try {
    await queries.readDatabaseFacts(database.db)
    const startedMs = performance.now()
    facts = await queries.readDatabaseFacts(database.db)
    tookMs = performance.now() - startedMs
  } catch (error) {
    return [
      problem(
        ABOUT,
        `${where} does not answer as it should: ${(error as Error).message}`,
        'Playing videos goes on meanwhile. See its log (postgres/server.log in the data folder for the embedded one).',
      ),
    ]
  }
  return [
    tookMs > SLOW_MS
      ? advice(
          ABOUT,
          `${where} answers in ${tookMs.toFixed(0)} ms.`,
          'Bring it nearer, or see what else it does.',
        )
      : fine(ABOUT, `PostgreSQL ${facts.version} at ${where} answers in ${tookMs.toFixed(1)} ms.`),
    ...(await judge(facts)),
  ]
}

async function judge(facts: queries.DatabaseFacts): Promise<Finding[]> {
  const findings: Finding[] = []
  if (facts.versionNumber < OLDEST_VERSION)
    findings.push(
      problem(ABOUT, `PostgreSQL ${facts.version} is too old.`, 'Upbeat needs PostgreSQL 15 or newer.'),
    )
  if (!facts.hasTrigrams)
    findings.push(
      problem(ABOUT, 'The extension pg_trgm is missing.', 'As its superuser: create extension pg_trgm'),
    )
  const missing = (await listMigrations()).filter((name) => !facts.migrations.includes(name))
  if (missing.length > 0)
    findings.push(
      problem(ABOUT, `The schema lacks ${missing.join(', ')}.`, 'Start Upbeat, which brings it up to date.'),
    )
  if (facts.connections > facts.maxConnections * CROWDED_SHARE)
    findings.push(
      problem(
        ABOUT,
        `${facts.connections} of ${facts.maxConnections} connections are taken.`,
        'Raise max_connections, or lower DATABASE_POOL_SIZE.',
      ),
    )
  return findings
}
