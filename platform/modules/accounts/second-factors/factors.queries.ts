/** All SQL of second factors, passkeys and fresh proof. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../../infra/db/index.ts'
import '../accounts.schema.ts'
import type { AccountPasskeyTable } from '../security.schema.ts'

export const findTotp = (db: Db | Tx, accountId: string) =>
  db
    .selectFrom('account_totp')
    .select(['secret_sealed as secretSealed', 'confirmed_at as confirmedAt', 'last_step as lastStep'])
    .where('account_id', '=', accountId)
    .executeTakeFirst()

/** Replaces one that was never confirmed; false: there is a confirmed one. */
export async function setUpTotp(db: Db, accountId: string, sealed: Buffer, at: Date): Promise<boolean> {
  const set = await db
    .insertInto('account_totp')
    .values({
      account_id: accountId,
      secret_sealed: sealed,
      created_at: at,
      confirmed_at: null,
      last_step: 0,
    })
    .onConflict((conflict) =>
      conflict
        .column('account_id')
        .doUpdateSet({ secret_sealed: sealed, created_at: at, last_step: 0 })
        .where('account_totp.confirmed_at', 'is', null),
    )
    .executeTakeFirst()
  return (set.numInsertedOrUpdatedRows ?? 0n) === 1n
}

/** Settles the race for a time step: true for exactly one caller. */
export async function takeTotpStep(
  db: Db | Tx,
  input: { accountId: string; step: number; confirmedAt: Date | null },
): Promise<boolean> {
  const { accountId, step, confirmedAt } = input
  const { numAffectedRows } = await sql`
    update account_totp set last_step = ${step}, confirmed_at = coalesce(confirmed_at, ${confirmedAt})
    where account_id = ${accountId} and last_step < ${step}`.execute(db)
  return numAffectedRows === 1n
}

/** By account, from after this one on; nobody else changes them until the end of the transaction. */
export const lockTotps = (tx: Tx, after: string, limit: number) =>
  tx
    .selectFrom('account_totp')
    .select(['account_id as accountId', 'secret_sealed as secretSealed'])
    .where('account_id', '>', after)
    .orderBy('account_id')
    .limit(limit)
    .forUpdate()
    .execute()

export const updateTotpSecret = (tx: Tx, accountId: string, sealed: Buffer) =>
  tx.updateTable('account_totp').set({ secret_sealed: sealed }).where('account_id', '=', accountId).execute()

export const deleteTotp = (tx: Tx, accountId: string, since: Date | null) =>
  tx
    .deleteFrom('account_totp')
    .where('account_id', '=', accountId)
    .$if(since !== null, (query) => query.where('created_at', '>=', since!))
    .execute()

export async function replaceRecoveryCodes(tx: Tx, accountId: string, hashes: readonly Buffer[]) {
  await tx.deleteFrom('recovery_code').where('account_id', '=', accountId).execute()
  if (hashes.length === 0) return
  await tx
    .insertInto('recovery_code')
    .values(hashes.map((hash) => ({ account_id: accountId, code_sha256: hash, used_at: null })))
    .execute()
}

/** Settles the race for a code: true for exactly one caller. */
export async function useRecoveryCode(db: Db, accountId: string, hash: Buffer, at: Date): Promise<boolean> {
  const used = await db
    .updateTable('recovery_code')
    .set({ used_at: at })
    .where('account_id', '=', accountId)
    .where('code_sha256', '=', hash)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  return used.numUpdatedRows === 1n
}

export async function countRecoveryCodes(db: Db, accountId: string): Promise<number> {
  const { n } = await db
    .selectFrom('recovery_code')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where('account_id', '=', accountId)
    .where('used_at', 'is', null)
    .executeTakeFirstOrThrow()
  return n
}

export const listPasskeys = (db: Db, accountId: string) =>
  db
    .selectFrom('account_passkey')
    .select([
      ...(['id', 'name', 'transports'] as const),
      'created_at as createdAt',
      'used_at as usedAt',
      'is_backed_up as isBackedUp',
    ])
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .execute()

export const findPasskey = (db: Db, id: string) =>
  db
    .selectFrom('account_passkey')
    .select(['account_id as accountId', 'public_key as publicKey', 'counter', 'transports'])
    .where('id', '=', id)
    .executeTakeFirst()

/** False: this credential is there already. */
export async function insertPasskey(db: Db, passkey: Omit<AccountPasskeyTable, 'used_at'>): Promise<boolean> {
  const inserted = await db
    .insertInto('account_passkey')
    .values({ ...passkey, used_at: null })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  return inserted.numInsertedOrUpdatedRows === 1n
}

export const notePasskeyUse = (db: Db, id: string, counter: number, at: Date) =>
  db.updateTable('account_passkey').set({ counter, used_at: at }).where('id', '=', id).execute()

export async function deletePasskey(db: Db, accountId: string, id: string): Promise<boolean> {
  const gone = await db
    .deleteFrom('account_passkey')
    .where('account_id', '=', accountId)
    .where('id', '=', id)
    .executeTakeFirst()
  return gone.numDeletedRows === 1n
}

export const deletePasskeysSince = (tx: Tx, accountId: string, since: Date) =>
  tx
    .deleteFrom('account_passkey')
    .where('account_id', '=', accountId)
    .where('created_at', '>=', since)
    .execute()

export const insertChallenge = (db: Db, challenge: string, accountId: string | null, expiresAt: Date) =>
  db
    .insertInto('passkey_challenge')
    .values({ challenge, account_id: accountId, expires_at: expiresAt })
    .execute()

/** Takes it away; false: it was not for this account, is over, or was taken. */
export async function takeChallenge(db: Db, challenge: string, accountId: string | null, now: Date) {
  const { numAffectedRows } = await sql`
    delete from passkey_challenge where challenge = ${challenge}
      and account_id is not distinct from ${accountId}::uuid and expires_at > ${now}`.execute(db)
  return numAffectedRows === 1n
}

/** When the person at the session last proved who they are: at the latest when it began. */
export async function findProof(db: Db, sessionId: string): Promise<Date | null> {
  const { rows } = await sql<{ at: Date }>`
    select greatest(s.created_at, p.proven_at) as at
    from auth_session s left join session_proof p on p.session_id = s.id
    where s.id = ${sessionId}`.execute(db)
  return rows[0]?.at ?? null
}

export const upsertProof = (db: Db, sessionId: string, at: Date) =>
  db
    .insertInto('session_proof')
    .values({ session_id: sessionId, proven_at: at })
    .onConflict((conflict) => conflict.column('session_id').doUpdateSet({ proven_at: at }))
    .execute()

export async function findPasswordHash(db: Db | Tx, accountId: string): Promise<string | null> {
  const row = await db
    .selectFrom('auth_credential')
    .select('password')
    .where('user_id', '=', accountId)
    .where('provider_id', '=', 'credential')
    .executeTakeFirst()
  return row?.password ?? null
}

/** False: the password was changed meanwhile. */
export async function replacePassword(
  tx: Tx,
  input: { accountId: string; from: string; to: string; at: Date },
): Promise<boolean> {
  const changed = await tx
    .updateTable('auth_credential')
    .set({ password: input.to, updated_at: input.at })
    .where('user_id', '=', input.accountId)
    .where('provider_id', '=', 'credential')
    .where('password', '=', input.from)
    .executeTakeFirst()
  return changed.numUpdatedRows === 1n
}
