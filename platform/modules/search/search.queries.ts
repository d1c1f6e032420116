/** All SQL of search: plain matching by trigram indexes. What another engine would replace stands here and nowhere else. */
import { sql, type RawBuilder } from 'kysely'
import type { Position } from '../../app/paging.ts'
import type { Db } from '../../infra/db/index.ts'

/** LIKE takes these for wildcards, and the backslash for its escape. */
const containing = (text: string) => `%${escapeLike(text)}%`
const beginningWith = (text: string) => `${escapeLike(text)}%`
const escapeLike = (text: string) => text.replace(/[\\%_]/g, '\\$&')

const conjunction = (conditions: readonly RawBuilder<unknown>[]) => sql.join(conditions, sql` and `)

const IS_PUBLIC = sql`v.visibility = 'public' and v.published_at is not null and v.deleted_at is null`
const before = (position: Position | null) =>
  position ? sql`(v.published_at, v.id) < (${position.at}, ${position.id}::uuid)` : sql`true`
const isNotBlocked = (viewerId: string | null, account: RawBuilder<unknown>) => sql`
  not exists (
    select from block b
    where (b.blocker_id = ${viewerId}::uuid and b.blocked_id = ${account})
       or (b.blocker_id = ${account} and b.blocked_id = ${viewerId}::uuid))`

export interface VideoMatchInput {
  /** Each must stand in the caption. */
  readonly words: readonly string[]
  /** Each must be a tag of the video. */
  readonly tags: readonly string[]
  /** Videos of authors whose handle or name contains this match too; null: no author is meant. */
  readonly author: string | null
  readonly before: Position | null
  readonly limit: number
}

/** Walked through before any index is asked: a common word fills its page from these in milliseconds. */
const RECENT = 2_000

/** Public videos, the newest first. At least one word or tag is needed. */
export async function findVideos(db: Db, input: VideoMatchInput): Promise<Position[]> {
  const recent = await findRecentVideos(db, input)
  // A rare word has few matches, so sorting all that its index gives is cheap; a common one has tens of thousands.
  return recent.length === input.limit ? recent : findVideosByIndex(db, input)
}

const captionConditions = (input: VideoMatchInput) =>
  conjunction([
    ...input.words.map((word) => sql`lower(m.caption) like lower(${containing(word)})`),
    ...input.tags.map(
      (tag) => sql`exists (select from video_tag t where t.video_id = m.id and t.tag = ${tag})`,
    ),
  ])

async function findRecentVideos(db: Db, input: VideoMatchInput): Promise<Position[]> {
  const byAuthor =
    input.author === null
      ? sql`false`
      : sql`m.account_id in (select a.id from account a where ${isPersonMatching(input.author)})`
  const { rows } = await sql<Position>`
    select m.id, m.published_at as at from (
      select v.id, v.published_at, v.caption, v.account_id from video v
      where ${IS_PUBLIC} and ${before(input.before)}
      order by v.published_at desc, v.id desc
      limit ${RECENT}
    ) m
    where (${captionConditions(input)}) or ${byAuthor}
    order by m.published_at desc, m.id desc
    limit ${input.limit}`.execute(db)
  return rows
}

async function findVideosByIndex(db: Db, input: VideoMatchInput): Promise<Position[]> {
  const byAuthor =
    input.author === null
      ? sql``
      : sql`union all select m.id from video m join account a on a.id = m.account_id
          where ${isPersonMatching(input.author)}`
  // A union, not an "or": each half has an index of its own.
  const { rows } = await sql<Position>`
    select v.id, v.published_at as at from video v
    where v.id in (select m.id from video m where ${captionConditions(input)} ${byAuthor})
      and ${IS_PUBLIC} and ${before(input.before)}
    order by v.published_at desc, v.id desc
    limit ${input.limit}`.execute(db)
  return rows
}

/** Public videos with this tag, the newest first. */
export async function findVideosByTag(
  db: Db,
  input: { readonly tag: string; readonly before: Position | null; readonly limit: number },
): Promise<Position[]> {
  const { rows } = await sql<Position>`
    select v.id, v.published_at as at from video_tag t join video v on v.id = t.video_id
    where t.tag = ${input.tag} and ${IS_PUBLIC} and ${before(input.before)}
    order by v.published_at desc, v.id desc
    limit ${input.limit}`.execute(db)
  return rows
}

/** A place in a list that is ordered by how well a name fits, then by the name; neither changes while one pages. */
export interface RankedName {
  /** 0: the very name, 1: its beginning, 2: anywhere in it. */
  readonly rank: number
  readonly name: string
}

const rankOf = (column: RawBuilder<unknown>, text: string) => sql`
  case when ${column} = lower(${text}) then 0 when ${column} like lower(${beginningWith(text)}) then 1 else 2 end`
const after = (position: RankedName | null) =>
  position ? sql`(rank, name) > (${position.rank}::int, ${position.name})` : sql`true`

const isPersonMatching = (text: string) =>
  sql`(a.username like lower(${containing(text)}) or lower(a.name) like lower(${containing(text)}))`

export interface NameMatchInput {
  readonly text: string
  readonly viewerId: string | null
  readonly after: RankedName | null
  readonly limit: number
}

/** People by handle or name, without those who block the viewer or are blocked. */
export async function findPeople(db: Db, input: NameMatchInput): Promise<(RankedName & { id: string })[]> {
  const { rows } = await sql<RankedName & { id: string }>`
    select id, rank, name from (
      select a.id, a.username collate "C" as name, ${rankOf(sql`a.username`, input.text)} as rank from account a
      where ${isPersonMatching(input.text)} and ${isNotBlocked(input.viewerId, sql`a.id`)}
    ) found
    where ${after(input.after)}
    order by rank, name
    limit ${input.limit}`.execute(db)
  return rows
}

/** Tags of public videos that the viewer may see, with how many those are. */
export async function findTags(
  db: Db,
  input: NameMatchInput,
): Promise<(RankedName & { videoCount: number })[]> {
  const { rows } = await sql<RankedName & { videoCount: number }>`
    select name, rank, count as "videoCount" from (
      select t.tag collate "C" as name, ${rankOf(sql`t.tag`, input.text)} as rank, count(*)::int as count
      from video_tag t join video v on v.id = t.video_id
      where t.tag like lower(${containing(input.text)}) and ${IS_PUBLIC}
        and ${isNotBlocked(input.viewerId, sql`v.account_id`)}
      group by t.tag
    ) found
    where ${after(input.after)}
    order by rank, name
    limit ${input.limit}`.execute(db)
  return rows
}
