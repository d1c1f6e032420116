/** The database that `bench feed` measures on: made once by SQL, kept and used again. */
import pg from 'pg'
import { migrateToLatest, openDatabase } from '../../platform/infra/db/index.ts'
import { openJobs } from '../../platform/infra/jobs/index.ts'

export const ACCOUNT_COUNT = 10_000
export const VIDEO_COUNT = 100_000
export const FOLLOW_COUNT = 1_000_000
export const VIEW_COUNT = 5_000_000

/** Whatever changes what is seeded changes this, and the next run seeds anew. */
const SEED_VERSION = 2

export const accountIdOf = (n: number) => `01980000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
export const videoIdOf = (n: number) => `01990000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`
export const sessionTokenOf = (n: number) => `bench-session-${n}`

const idSql = (prefix: string, n: string) =>
  `('${prefix}0000-0000-7000-8000-' || lpad(to_hex(${n}), 12, '0'))::uuid`
const accountSql = (n: string) => idSql('0198', n)
const videoSql = (n: string) => idSql('0199', n)
/** A number of 1…max, the small ones more often. */
const skewed = (max: number, power: number) => `(1 + floor(${max} * power(random(), ${power})))::bigint`

const STEPS: readonly (readonly [string, string])[] = [
  [
    'accounts and sessions',
    `insert into account (id, name, email, username, display_username, created_at, updated_at)
     select ${accountSql('n')}, 'Person ' || n, n || '@noreply.invalid', 'person' || n, 'Person' || n, now(), now()
     from generate_series(1, ${ACCOUNT_COUNT}) n;
     insert into auth_session (id, user_id, token, expires_at, created_at, updated_at)
     select ${idSql('019a', 'n')}, ${accountSql('n')}, 'bench-session-' || n, now() + interval '10 years', now(), now()
     from generate_series(1, ${ACCOUNT_COUNT}) n`,
  ],
  [
    'videos, tags and counters',
    `insert into video (id, account_id, caption, visibility, publish_requested_at, published_at, duration_ms, width, height,
       placeholder, poster_version, preview_version, generation, playable_height, is_complete, created_at, updated_at, deleted_at)
     select ${videoSql('n')}, ${accountSql(skewed(ACCOUNT_COUNT, 1.5))},
       'A short clip about everyday things, number ' || n || ' #topic' || ${skewed(2000, 2)} || ' #topic' || ${skewed(2000, 2)}
         || ' #topic' || ${skewed(2000, 2)},
       case when n % 50 = 0 then 'private' when n % 50 = 1 then 'followers' else 'public' end,
       p.at, p.at, 5000 + (random() * 55000)::int, 1080, 1920, left(encode(sha256(n::text::bytea), 'base64'), 28), 1, 1, 2, 1080, true,
       p.at, p.at, case when n % 100 = 2 then now() end
     from generate_series(1, ${VIDEO_COUNT}) n
     cross join lateral (select now() - interval '1 year' * power(random() + n * 0, 2) as at) p;
     insert into video_tag (video_id, tag)
     select distinct id, substr(word, 2) from video, regexp_split_to_table(caption, ' ') word where word like '#%';
     insert into video_counter (video_id, views, likes, comments, saves, shares, as_of)
     select id, (random() * 20000)::int, (random() * 2000)::int, (random() * 200)::int, (random() * 100)::int,
       (random() * 50)::int, now() from video`,
  ],
  [
    'follows',
    `insert into follow (follower_id, followee_id, created_at)
     select ${accountSql('a')}, ${accountSql('b')}, now() from (
       select distinct 1 + g % ${ACCOUNT_COUNT} as a, ${skewed(ACCOUNT_COUNT, 1.5)} as b
       from generate_series(1, ${FOLLOW_COUNT * 1.2}) g
     ) pair where a <> b limit ${FOLLOW_COUNT}`,
  ],
  [
    'likes, saves and blocks',
    `insert into video_like (account_id, video_id, created_at)
     select ${accountSql(`1 + g % ${ACCOUNT_COUNT}`)}, ${videoSql(skewed(VIDEO_COUNT, 2))}, now() - random() * interval '30 days'
     from generate_series(1, 500000) g on conflict do nothing;
     insert into video_save (account_id, video_id, created_at)
     select ${accountSql(`1 + g % ${ACCOUNT_COUNT}`)}, ${videoSql(skewed(VIDEO_COUNT, 2))}, now() - random() * interval '30 days'
     from generate_series(1, 100000) g on conflict do nothing;
     insert into block (blocker_id, blocked_id, created_at)
     select ${accountSql('a')}, ${accountSql('b')}, now() from (
       select distinct 1 + g % ${ACCOUNT_COUNT} as a, ${skewed(ACCOUNT_COUNT, 1.5)} as b from generate_series(1, 50000) g
     ) pair where a <> b`,
  ],
  [
    'views',
    // One viewer and hour never twice: unique by construction, so the index can be made afterwards.
    `alter table video_view drop constraint video_view_pkey;
     drop index video_view_video;
     insert into video_view (viewer_key, video_id, hour, watched_ms, completions)
     select 'account:' || ${accountSql(`1 + g % ${ACCOUNT_COUNT}`)}, ${videoSql(skewed(VIDEO_COUNT, 2))},
       date_trunc('hour', now()) - (g / ${ACCOUNT_COUNT}) * interval '1 hour', 2000 + (random() * 30000)::int, (random() * 1.4)::int
     from generate_series(0, ${VIEW_COUNT - 1}) g;
     alter table video_view add primary key (viewer_key, video_id, hour);
     create index video_view_video on video_view (video_id)`,
  ],
  [
    'signals',
    `insert into feed_signal (video_id, views, completion, as_of, heat)
     select video_id, views, completion, now(), log(2.0, views::numeric)::float8 + extract(epoch from now())::float8 / 172800
     from (
       select video_id, sum(weight) as views, sum(weight * least(1, completions)) as completion from (
         select video_id, completions, power(2.0::float8, -extract(epoch from now() - hour)::float8 / 172800) as weight
         from video_view) weighted
       group by video_id) summed`,
  ],
]

/** Migrates and fills the database unless it is filled already. */
export async function seed(url: string, onProgress: (line: string) => void): Promise<void> {
  const onError = (error: Error) => console.error(error)
  {
    await using database = openDatabase({ url, poolSize: 1, applicationName: 'bench', onError })
    await migrateToLatest(database.db)
    await using _jobs = await openJobs({ url, isWorker: false, onError })
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('create table if not exists bench_seed (version int primary key)')
    const { rowCount } = await client.query('select from bench_seed where version = $1', [SEED_VERSION])
    if (rowCount === 1) return
    // Rows are right by construction: their references need not be checked one by one.
    await client.query(`set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB';
      set maintenance_work_mem = '512MB'; select setseed(0.42)`)
    await client.query(`truncate account, auth_session, video, video_tag, video_counter, follow, block, video_like, video_save,
      video_view, feed_signal, feed_snapshot, feed_change, event, bench_seed cascade`)
    for (const [name, statement] of STEPS) {
      const startedAt = performance.now()
      await client.query(statement)
      onProgress(`seeded ${name} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    }
    await client.query('vacuum analyze')
    await client.query('insert into bench_seed values ($1)', [SEED_VERSION])
  } finally {
    await client.end()
  }
}
