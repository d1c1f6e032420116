/** All SQL of notifications. */
import { sql } from 'kysely'
import type { NotificationKind } from '../../../contract/social.ts'
import type { Position } from '../../app/paging.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import './notifications.schema.ts'

export interface NewNotification {
  readonly id: string
  readonly accountId: string
  readonly kind: NotificationKind
  readonly groupKey: string
  readonly actorId: string | null
  readonly videoId: string | null
  readonly commentId: string | null
  readonly uploadId: string | null
  readonly excerpt: string | null
  readonly createdAt: Date
}

/** False when the same actor did the same before, or when one of the two blocks the other. */
export async function insertNotification(tx: Tx, row: NewNotification): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into notification
      (id, account_id, kind, group_key, actor_id, video_id, comment_id, upload_id, excerpt, created_at)
    select ${row.id}, ${row.accountId}::uuid, ${row.kind}, ${row.groupKey}, ${row.actorId}::uuid, ${row.videoId}::uuid,
      ${row.commentId}::uuid, ${row.uploadId}::uuid, ${row.excerpt}, ${row.createdAt}::timestamptz
    where not exists (
      select from block b
      where (b.blocker_id = ${row.accountId} and b.blocked_id = ${row.actorId}::uuid)
         or (b.blocker_id = ${row.actorId}::uuid and b.blocked_id = ${row.accountId}))
    on conflict (account_id, group_key, actor_id) do nothing`.execute(tx)
  return numAffectedRows === 1n
}

export interface GroupRow extends Position {
  readonly kind: NotificationKind
  readonly videoId: string | null
  readonly commentId: string | null
  readonly uploadId: string | null
  /** Of a sign-in that was not denied. */
  readonly signInId: string | null
  readonly excerpt: string | null
  readonly actorCount: number
  /** Newest first. */
  readonly actorIds: string[]
  readonly isRead: boolean
}

type Alias = 'n' | 'm'

/** A CTE: those who block the account or are blocked by it, read once however many rows there are. */
const hiddenFrom = (accountId: string) => sql`
  hidden as (
    select blocked_id as id from block where blocker_id = ${accountId}
    union select blocker_id from block where blocked_id = ${accountId})`
/** What people did who are hidden by now is not shown. */
const isActorShown = (alias: Alias) => {
  const actor = sql.ref(`${alias}.actor_id`)
  return sql<boolean>`(${actor} is null or ${actor} not in (select id from hidden))`
}
/** Nor what happened to a video that is deleted; rows of a group are about the same video. */
const isVideoShown = (alias: Alias) => {
  const video = sql.ref(`${alias}.video_id`)
  return sql<boolean>`
    (${video} is null or exists (select from video v where v.id = ${video} and v.deleted_at is null))`
}

/** As `tellNewSignIn` names them. */
const SIGN_IN_GROUP = '^new-sign-in:[0-9a-f-]{36}$'

/**
 * Groups of an account, each standing where its newest row stands, newest first. A group that gets a new row moves to
 * the head, so a reader further down may miss it there but never meets it twice.
 */
export async function selectGroups(
  db: Db | Tx,
  accountId: string,
  options: {
    readonly before?: Position | null
    /** Only the group that this notification belongs to. */
    readonly groupOf?: string
    readonly actors: number
    readonly limit: number
  },
): Promise<GroupRow[]> {
  const { before = null, groupOf, actors, limit } = options
  const { rows } = await sql<GroupRow>`
    with ${hiddenFrom(accountId)}, page as (
      select n.* from notification n
      where n.account_id = ${accountId}
        and ${before ? sql`(n.created_at, n.id) < (${before.at}, ${before.id}::uuid)` : sql`true`}
        and ${groupOf ? sql`n.group_key = (select o.group_key from notification o where o.id = ${groupOf} and o.account_id = ${accountId})` : sql`true`}
        and ${isActorShown('n')} and ${isVideoShown('n')}
        and not exists (
          select from notification m
          where m.account_id = n.account_id and m.group_key = n.group_key
            and (m.created_at, m.id) > (n.created_at, n.id) and ${isActorShown('m')})
      order by n.created_at desc, n.id desc
      limit ${limit}
    )
    select p.id, p.created_at as at, p.kind, p.video_id as "videoId", p.comment_id as "commentId",
      p.upload_id as "uploadId", s.id as "signInId", p.excerpt, whole.count as "actorCount", whole.is_read as "isRead",
      array(
        select m.actor_id from notification m
        where m.account_id = p.account_id and m.group_key = p.group_key and m.actor_id is not null and ${isActorShown('m')}
        order by m.created_at desc, m.id desc limit ${actors}) as "actorIds"
    from page p
    left join sign_in_notice s on s.account_id = p.account_id and s.denied_at is null
      and s.id = case when p.group_key ~ ${SIGN_IN_GROUP} then right(p.group_key, 36)::uuid end
    cross join lateral (
      select count(m.actor_id)::int as count, bool_and(m.read_at is not null) as is_read from notification m
      where m.account_id = p.account_id and m.group_key = p.group_key and ${isActorShown('m')}) whole
    order by p.created_at desc, p.id desc`.execute(db)
  return rows
}

/** How many groups have something unread. */
export async function countUnread(db: Db | Tx, accountId: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    with ${hiddenFrom(accountId)}
    select count(distinct n.group_key)::int as count from (
      select distinct group_key, video_id from notification n
      where n.account_id = ${accountId} and n.read_at is null and ${isActorShown('n')}
    ) n
    where ${isVideoShown('n')}`.execute(db)
  return rows[0]!.count
}

export const findPosition = (db: Db | Tx, accountId: string, id: string): Promise<Position | undefined> =>
  db
    .selectFrom('notification')
    .select(['id', 'created_at as at'])
    .where('account_id', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirst()

export async function markRead(tx: Tx, accountId: string, upTo: Position, at: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    update notification set read_at = ${at}
    where account_id = ${accountId} and read_at is null
      and (created_at, id) <= (${upTo.at}, ${upTo.id}::uuid)`.execute(tx)
  return Number(numAffectedRows)
}

/** The accounts that had them. */
export async function deleteByComment(tx: Tx, commentId: string): Promise<string[]> {
  const rows = await tx
    .deleteFrom('notification')
    .where('comment_id', '=', commentId)
    .returning('account_id')
    .execute()
  return [...new Set(rows.map((row) => row.account_id))]
}

/** Deletes at most `limit` from before that time; answers how many. */
export async function pruneNotifications(
  db: Db,
  options: { readonly before: Date; readonly limit: number },
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from notification where id in (
      select id from notification where created_at < ${options.before} order by created_at limit ${options.limit})`.execute(
    db,
  )
  return Number(numAffectedRows)
}
