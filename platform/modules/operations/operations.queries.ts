/** SQL of operations: what the doctor looks at, and the jobs that wait. */
import { sql } from 'kysely'
import type { JobQueueVitals } from '../../../contract/operations.ts'
import type { Db } from '../../infra/db/index.ts'

/** The id of the folder of blobs, which stands for the instance; null: none was marked yet. */
export async function findStoreId(db: Db): Promise<string | null> {
  const { rows } = await sql<{ id: string }>`select id from blob_store where marked_at is not null`.execute(
    db,
  )
  return rows[0]?.id ?? null
}

export interface DatabaseFacts {
  readonly versionNumber: number
  readonly version: string
  readonly now: Date
  readonly connections: number
  readonly maxConnections: number
  readonly hasTrigrams: boolean
  readonly migrations: readonly string[]
}

/** What the doctor looks at. */
export async function readDatabaseFacts(db: Db): Promise<DatabaseFacts> {
  const { rows } = await sql<DatabaseFacts>`
    select current_setting('server_version_num')::int as "versionNumber", current_setting('server_version') as version,
      clock_timestamp() as now,
      (select count(*) from pg_stat_activity where backend_type = 'client backend')::int as connections,
      current_setting('max_connections')::int as "maxConnections",
      exists (select from pg_extension where extname = 'pg_trgm') as "hasTrigrams",
      array(select name::text from migration order by name) as migrations`.execute(db)
  return rows[0]!
}

/** Each queue's jobs that wait or run; what pg-boss counted itself of those given up. */
export async function countJobs(db: Db): Promise<JobQueueVitals[]> {
  const { rows } = await sql<JobQueueVitals>`
    select queue.name as queue, queue.failed_count::int as failed,
      count(job.id) filter (where job.state < 'active' and job.start_after <= now())::int as waiting,
      count(job.id) filter (where job.state = 'active')::int as running,
      extract(epoch from now() - min(job.created_on)
        filter (where job.state < 'active' and job.start_after <= now()))::float8 as "oldestAgeS"
    from pgboss.queue left join pgboss.job on job.name = queue.name and job.state < 'completed'
    group by queue.name, queue.failed_count order by queue.name`.execute(db)
  return rows
}
