/** All SQL of follows and blocks. */
import { sql } from 'kysely'
import type { Position } from '../../app/paging.ts'
import type { Db, Tx } from '../../infra/db/index.ts'
import './follows.schema.ts'

/** Makes follows and blocks between two accounts, in either direction, happen one after the other. */
export async function lockPair(tx: Tx, a: string, b: string): Promise<void> {
  const pair = [a, b].toSorted().join(' ')
  await sql`select pg_advisory_xact_lock(hashtextextended(${pair}, 0))`.execute(tx)
}

export interface Relation {
  readonly isFollowing: boolean
  readonly isFollowedBy: boolean
  readonly isBlocking: boolean
  readonly isBlockedBy: boolean
}

export async function selectRelation(db: Db | Tx, viewerId: string, accountId: string): Promise<Relation> {
  const { rows } = await sql<Relation>`
    select
      exists (select from follow where follower_id = ${viewerId} and followee_id = ${accountId}) as "isFollowing",
      exists (select from follow where follower_id = ${accountId} and followee_id = ${viewerId}) as "isFollowedBy",
      exists (select from block where blocker_id = ${viewerId} and blocked_id = ${accountId}) as "isBlocking",
      exists (select from block where blocker_id = ${accountId} and blocked_id = ${viewerId}) as "isBlockedBy"
  `.execute(db)
  return rows[0]!
}

/** False when it is there already. */
export async function insertFollow(
  tx: Tx,
  followerId: string,
  followeeId: string,
  at: Date,
): Promise<boolean> {
  const result = await tx
    .insertInto('follow')
    .values({ follower_id: followerId, followee_id: followeeId, created_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** False when there was none. */
export async function deleteFollow(tx: Tx, followerId: string, followeeId: string): Promise<boolean> {
  const result = await tx
    .deleteFrom('follow')
    .where('follower_id', '=', followerId)
    .where('followee_id', '=', followeeId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export async function insertBlock(tx: Tx, blockerId: string, blockedId: string, at: Date): Promise<boolean> {
  const result = await tx
    .insertInto('block')
    .values({ blocker_id: blockerId, blocked_id: blockedId, created_at: at })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export async function deleteBlock(tx: Tx, blockerId: string, blockedId: string): Promise<boolean> {
  const result = await tx
    .deleteFrom('block')
    .where('blocker_id', '=', blockerId)
    .where('blocked_id', '=', blockedId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export interface ListOptions {
  readonly accountId: string
  /** Accounts that block the viewer, or are blocked by the viewer, are left out. */
  readonly viewerId: string | null
  readonly before: Position | null
  readonly limit: number
}

/** Who follows the account, or whom it follows; `id` is theirs. Newest first. */
export async function selectFollows(
  db: Db,
  side: 'followers' | 'following',
  { accountId, viewerId, before, limit }: ListOptions,
): Promise<Position[]> {
  const [own, other] =
    side === 'followers'
      ? [sql.ref('f.followee_id'), sql.ref('f.follower_id')]
      : [sql.ref('f.follower_id'), sql.ref('f.followee_id')]
  const { rows } = await sql<Position>`
    select ${other} as id, f.created_at as at from follow f
    where ${own} = ${accountId}
      and ${before ? sql`(f.created_at, ${other}) < (${before.at}, ${before.id}::uuid)` : sql`true`}
      and not exists (
        select from block b
        where (b.blocker_id = ${viewerId}::uuid and b.blocked_id = ${other})
           or (b.blocker_id = ${other} and b.blocked_id = ${viewerId}::uuid))
    order by f.created_at desc, ${other} desc
    limit ${limit}`.execute(db)
  return rows
}

export const selectBlocks = (
  db: Db,
  blockerId: string,
  page: { readonly before: Position | null; readonly limit: number },
): Promise<Position[]> =>
  db
    .selectFrom('block')
    .select(['blocked_id as id', 'created_at as at'])
    .where('blocker_id', '=', blockerId)
    .$if(page.before !== null, (query) =>
      query.where((where) =>
        where(where.refTuple('created_at', 'blocked_id'), '<', where.tuple(page.before!.at, page.before!.id)),
      ),
    )
    .orderBy('created_at', 'desc')
    .orderBy('blocked_id', 'desc')
    .limit(page.limit)
    .execute()

/** Those of the accounts that the viewer follows. */
export async function selectFollowed(
  db: Db | Tx,
  viewerId: string,
  accountIds: readonly string[],
): Promise<Set<string>> {
  if (accountIds.length === 0) return new Set()
  const rows = await db
    .selectFrom('follow')
    .select('followee_id as id')
    .where('follower_id', '=', viewerId)
    .where('followee_id', 'in', accountIds)
    .execute()
  return new Set(rows.map((row) => row.id))
}

export async function countFollows(
  db: Db,
  accountId: string,
): Promise<{ followers: number; following: number }> {
  const { rows } = await sql<{ followers: number; following: number }>`
    select
      (select count(*)::int from follow where followee_id = ${accountId}) as followers,
      (select count(*)::int from follow where follower_id = ${accountId}) as following`.execute(db)
  return rows[0]!
}

/** Everyone who blocks the account or is blocked by it. */
export async function selectHidden(db: Db | Tx, accountId: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select blocked_id as id from block where blocker_id = ${accountId}
    union
    select blocker_id from block where blocked_id = ${accountId}`.execute(db)
  return rows.map((row) => row.id)
}
