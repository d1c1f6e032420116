/** All SQL of accounts. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../infra/db/index.ts'
import './accounts.schema.ts'

const CARD_COLUMNS = [
  'account.id',
  'account.display_username as handle',
  'account.name',
  'account.image',
] as const
const PRIVATE_COLUMNS = [
  ...CARD_COLUMNS,
  'account.bio',
  'account.email',
  'account.role',
  'account.created_at as createdAt',
] as const

export const findAccountById = (db: Db | Tx, id: string) =>
  db.selectFrom('account').select(PRIVATE_COLUMNS).where('id', '=', id).executeTakeFirst()

export const findAccountByHandle = (db: Db | Tx, handle: string) =>
  db
    .selectFrom('account')
    .select(PRIVATE_COLUMNS)
    .where('username', '=', handle.toLowerCase())
    .executeTakeFirst()

export const listCards = (db: Db | Tx, ids: readonly string[]) =>
  db.selectFrom('account').select(CARD_COLUMNS).where('id', 'in', ids).execute()

export const updateAccount = (
  db: Db | Tx,
  id: string,
  change: {
    name?: string
    bio?: string
    image?: string | null
    role?: 'operator'
    email?: string
    updated_at: Date
  },
) => db.updateTable('account').set(change).where('id', '=', id).execute()

export const findSession = (db: Db, token: string) =>
  db
    .selectFrom('auth_session')
    .innerJoin('account', 'account.id', 'auth_session.user_id')
    .select([
      'auth_session.id as sessionId',
      'auth_session.expires_at as expiresAt',
      'auth_session.updated_at as seenAt',
      'account.id',
      'account.display_username as handle',
      'account.role',
    ])
    .where('auth_session.token', '=', token)
    .executeTakeFirst()

export const touchSession = (db: Db, id: string, seen: { at: Date; expiresAt: Date }) =>
  db
    .updateTable('auth_session')
    .set({ updated_at: seen.at, expires_at: seen.expiresAt })
    .where('id', '=', id)
    .execute()

export const listSessions = (db: Db, accountId: string, now: Date) =>
  db
    .selectFrom('auth_session')
    .select([
      'id',
      'created_at as createdAt',
      'updated_at as lastSeenAt',
      'expires_at as expiresAt',
      'ip_address as address',
      'user_agent as userAgent',
    ])
    .where('user_id', '=', accountId)
    .where('expires_at', '>', now)
    .orderBy('updated_at', 'desc')
    .execute()

export const deleteSession = (db: Db | Tx, accountId: string, id: string) =>
  db
    .deleteFrom('auth_session')
    .where('user_id', '=', accountId)
    .where('id', '=', id)
    .returning('token')
    .executeTakeFirst()

export const deleteOtherSessions = (db: Db | Tx, accountId: string, keptId: string) =>
  db
    .deleteFrom('auth_session')
    .where('user_id', '=', accountId)
    .where('id', '<>', keptId)
    .returning('token')
    .execute()

/** Of everybody. */
export const deleteAllSessions = (db: Db | Tx) => db.deleteFrom('auth_session').returning('token').execute()

/** Links in mails and other proofs that are still open. */
export const deleteAllVerifications = (db: Db | Tx) => sql`delete from auth_verification`.execute(db)

/** Each session with its account's handle, without its token. */
export const listAllSessions = (db: Db) =>
  db
    .selectFrom('auth_session')
    .innerJoin('account', 'account.id', 'auth_session.user_id')
    .select([
      'auth_session.id',
      'account.id as accountId',
      'account.username as handle',
      'account.role',
      'auth_session.ip_address as address',
      'auth_session.user_agent as userAgent',
      'auth_session.created_at as createdAt',
      'auth_session.updated_at as lastSeenAt',
    ])
    .orderBy('auth_session.created_at')
    .execute()

export async function countAccounts(db: Db): Promise<number> {
  const { count } = await db
    .selectFrom('account')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

export async function hasOperator(db: Db): Promise<boolean> {
  const row = await db
    .selectFrom('account')
    .select('id')
    .where('role', '=', 'operator')
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Of the first operator; null: there is none. */
export async function findOperatorHandle(db: Db): Promise<string | null> {
  const row = await db
    .selectFrom('account')
    .select('display_username as handle')
    .where('role', '=', 'operator')
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst()
  return row?.handle ?? null
}

export async function replaceOperatorLink(
  tx: Tx,
  link: { token_sha256: Buffer; created_at: Date },
): Promise<void> {
  await tx.deleteFrom('operator_link').where('used_at', 'is', null).execute()
  await tx
    .insertInto('operator_link')
    .values({ ...link, used_at: null, used_by: null })
    .execute()
}

/** Settles the race for a link: true for exactly one caller. */
export async function claimOperatorLink(db: Db | Tx, tokenSha256: Buffer, at: Date): Promise<boolean> {
  const claimed = await db
    .updateTable('operator_link')
    .set({ used_at: at })
    .where('token_sha256', '=', tokenSha256)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  return claimed.numUpdatedRows === 1n
}

export const recordOperatorLinkUse = (tx: Tx, tokenSha256: Buffer, usedBy: string) =>
  tx.updateTable('operator_link').set({ used_by: usedBy }).where('token_sha256', '=', tokenSha256).execute()

interface PlaceKey {
  readonly accountId: string
  readonly device: string
  readonly network: string
}

/** Whether the account was signed in from such a device, and from this network, be it with another device. */
export async function findKnownPlace(
  tx: Tx,
  { accountId, device, network }: PlaceKey,
): Promise<{ isDeviceKnown: boolean; isNetworkKnown: boolean }> {
  const { rows } = await sql<{ isDeviceKnown: boolean; isNetworkKnown: boolean }>`
    select coalesce(bool_or(device = ${device}), false) as "isDeviceKnown",
      coalesce(bool_or(network = ${network}), false) as "isNetworkKnown"
    from account_place where account_id = ${accountId}`.execute(tx)
  return rows[0]!
}

/** False: it was there already, and is newer now. */
export async function upsertPlace(
  tx: Tx,
  { accountId, device, network, at }: PlaceKey & { readonly at: Date },
): Promise<boolean> {
  const { rows } = await sql<{ isAdded: boolean }>`
    insert into account_place as p (account_id, device, network, seen_at)
    values (${accountId}, ${device}, ${network}, ${at})
    on conflict (account_id, device, network) do update set seen_at = greatest(p.seen_at, excluded.seen_at)
    returning xmax = 0 as "isAdded"`.execute(tx)
  return rows[0]!.isAdded
}

export async function deletePlaces(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('account_place')
    .where('seen_at', '<', before)
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Idempotent. */
export async function insertRevocations(db: Db | Tx, hashes: readonly Buffer[], at: Date): Promise<void> {
  if (hashes.length === 0) return
  await db
    .insertInto('session_revocation')
    .values(hashes.map((hash) => ({ token_sha256: hash, revoked_at: at })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export const listRevocations = (db: Db, since: Date) =>
  db.selectFrom('session_revocation').select('token_sha256').where('revoked_at', '>=', since).execute()

export async function deleteRevocations(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('session_revocation')
    .where('revoked_at', '<', before)
    .executeTakeFirst()
  return Number(numDeletedRows)
}
