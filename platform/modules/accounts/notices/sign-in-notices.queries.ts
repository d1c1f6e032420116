/** All SQL of sign-ins that an owner is told of and may deny. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../../infra/db/index.ts'
import '../accounts.schema.ts'
import type { SignInNoticeTable } from '../security.schema.ts'

export const insertNotice = (tx: Tx, notice: SignInNoticeTable) =>
  tx.insertInto('sign_in_notice').values(notice).execute()

export const findNotice = (db: Db, id: string) =>
  db
    .selectFrom('sign_in_notice')
    .select([
      'account_id as accountId',
      'session_id as sessionId',
      'created_at as createdAt',
      'denied_at as deniedAt',
    ])
    .where('id', '=', id)
    .executeTakeFirst()

export const listNotices = (db: Db, accountId: string, limit: number) =>
  db
    .selectFrom('sign_in_notice')
    .select(['id', 'device', 'address', 'created_at as createdAt', 'denied_at as deniedAt'])
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .limit(limit)
    .execute()

export async function hasBegunBefore(db: Db, sessionId: string, at: Date): Promise<boolean> {
  const found = await db
    .selectFrom('auth_session')
    .select('id')
    .where('id', '=', sessionId)
    .where('created_at', '<', at)
    .executeTakeFirst()
  return found !== undefined
}

/** Keeps the time of the first. */
export const markDenied = (tx: Tx, id: string, at: Date) =>
  tx
    .updateTable('sign_in_notice')
    .set({ denied_at: at })
    .where('id', '=', id)
    .where('denied_at', 'is', null)
    .execute()

export const raiseAlarm = (tx: Tx, accountId: string, at: Date) =>
  tx
    .insertInto('password_alarm')
    .values({ account_id: accountId, at })
    .onConflict((conflict) => conflict.column('account_id').doNothing())
    .execute()

export const endAlarm = (db: Db | Tx, accountId: string) =>
  db.deleteFrom('password_alarm').where('account_id', '=', accountId).execute()

export async function findAlarm(db: Db, accountId: string): Promise<Date | null> {
  const row = await db
    .selectFrom('password_alarm')
    .select('at')
    .where('account_id', '=', accountId)
    .executeTakeFirst()
  return row?.at ?? null
}

export const deleteConfirmations = (tx: Tx, accountId: string) =>
  tx.deleteFrom('sign_in_confirmation').where('account_id', '=', accountId).execute()

/** All of an account, but one. */
export async function deleteSessions(
  tx: Tx,
  accountId: string,
  keptId: string | null,
): Promise<{ token: string }[]> {
  const { rows } = await sql<{ token: string }>`
    delete from auth_session where user_id = ${accountId} and id is distinct from ${keptId}::uuid
    returning token`.execute(tx)
  return rows
}
