/** All SQL of signing in, up to the session. */
import { sql } from 'kysely'
import type { Db, Tx } from '../../../infra/db/index.ts'
import '../accounts.schema.ts'
import '../security.schema.ts'

/** An account as somebody names it who wants to sign in. */
export interface Candidate {
  readonly id: string
  readonly email: string
  /** In the PHC string format; null: there is none. */
  readonly passwordHash: string | null
  readonly isDeviceKnown: boolean
  readonly isNetworkKnown: boolean
  readonly hasTotp: boolean
  readonly hasAlarm: boolean
}

/** By handle, or by e-mail address where there is an `@`. One question, whoever is asked for. */
export async function findCandidate(
  db: Db,
  asked: { readonly identifier: string; readonly device: Buffer | null; readonly network: string },
): Promise<Candidate | undefined> {
  const column = asked.identifier.includes('@') ? sql.ref('a.email') : sql.ref('a.username')
  const { rows } = await sql<Candidate>`
    select a.id, a.email, c.password as "passwordHash",
      exists (select from account_device d
        where d.account_id = a.id and d.device_sha256 = ${asked.device}) as "isDeviceKnown",
      exists (select from account_place p
        where p.account_id = a.id and p.network = ${asked.network}) as "isNetworkKnown",
      exists (select from account_totp t
        where t.account_id = a.id and t.confirmed_at is not null) as "hasTotp",
      exists (select from password_alarm l where l.account_id = a.id) as "hasAlarm"
    from account a left join auth_credential c on c.user_id = a.id and c.provider_id = 'credential'
    where ${column} = ${asked.identifier.toLowerCase()}`.execute(db)
  return rows[0]
}

/**
 * Takes one guess at a name, by the rule of `engines/sign-in`. Racing calls are settled by the row.
 *
 * @returns the guesses that are left, below 0 when none was taken
 */
export async function takeGuess(
  db: Db,
  { nameKey, at, atOnce, refillMs }: { nameKey: Buffer; at: Date; atOnce: number; refillMs: number },
): Promise<number> {
  const { rows } = await sql<{ left: number }>`
    insert into sign_in_budget as b (name_key, guesses, at)
    values (${nameKey}, ${atOnce}::float8 - 1, ${at})
    on conflict (name_key) do update set
      guesses = least(${atOnce}::float8, b.guesses
        + greatest(0, extract(epoch from (excluded.at - b.at)) * 1000) / ${refillMs}::float8) - 1,
      at = greatest(b.at, excluded.at)
    where least(${atOnce}::float8, b.guesses
      + greatest(0, extract(epoch from (excluded.at - b.at)) * 1000) / ${refillMs}::float8) >= 1
    returning guesses as left`.execute(db)
  if (rows[0]) return rows[0].left
  const row = await db
    .selectFrom('sign_in_budget')
    .select(['guesses', 'at'])
    .where('name_key', '=', nameKey)
    .executeTakeFirst()
  if (!row) return -1
  return Math.min(1, row.guesses + Math.max(0, at.getTime() - row.at.getTime()) / refillMs) - 1
}

export const giveGuessBack = (db: Db | Tx, nameKey: Buffer, atOnce: number) =>
  sql`update sign_in_budget set guesses = least(${atOnce}::float8, guesses + 1)
    where name_key = ${nameKey}`.execute(db)

export const insertSession = (
  tx: Tx,
  session: {
    id: string
    user_id: string
    token: string
    ip_address: string
    user_agent: string
    expires_at: Date
    created_at: Date
    updated_at: Date
  },
) => tx.insertInto('auth_session').values(session).execute()

export const upsertDevice = (db: Db | Tx, accountId: string, device: Buffer, at: Date) =>
  db
    .insertInto('account_device')
    .values({ account_id: accountId, device_sha256: device, created_at: at, seen_at: at })
    .onConflict((conflict) => conflict.columns(['account_id', 'device_sha256']).doUpdateSet({ seen_at: at }))
    .execute()

/** All of an account but one. */
export const deleteDevices = (tx: Tx, accountId: string, kept: Buffer | null) =>
  sql`delete from account_device
    where account_id = ${accountId} and device_sha256 is distinct from ${kept}`.execute(tx)

export const insertConfirmation = (
  tx: Tx,
  confirmation: {
    token_sha256: Buffer
    account_id: string | null
    name_key: Buffer
    mail_code_sha256: Buffer | null
    expires_at: Date
  },
) =>
  tx
    .insertInto('sign_in_confirmation')
    .values({ ...confirmation, tries: 0 })
    .execute()

/** Takes one try of it; undefined: there is none left, or it is over. */
export const takeConfirmationTry = (db: Db, token: Buffer, at: Date, triesMax: number) =>
  db
    .updateTable('sign_in_confirmation')
    .set((eb) => ({ tries: eb('tries', '+', 1) }))
    .where('token_sha256', '=', token)
    .where('expires_at', '>', at)
    .where('tries', '<', triesMax)
    .returning(['account_id as accountId', 'name_key as nameKey', 'mail_code_sha256 as mailCode', 'tries'])
    .executeTakeFirst()

/** Settles the race for its completion: true for exactly one caller. */
export async function endConfirmation(tx: Tx, token: Buffer): Promise<boolean> {
  const ended = await tx
    .deleteFrom('sign_in_confirmation')
    .where('token_sha256', '=', token)
    .executeTakeFirst()
  return ended.numDeletedRows === 1n
}

export async function readBaseline(db: Db): Promise<unknown> {
  const row = await db.selectFrom('sign_in_baseline').select('state').executeTakeFirst()
  return row?.state
}

export const writeBaseline = (db: Db, state: string, at: Date) =>
  sql`insert into sign_in_baseline (id, state, at) values (1, ${state}::jsonb, ${at})
    on conflict (id) do update set state = excluded.state, at = excluded.at`.execute(db)

/** What nobody asks for any more: full budgets, devices long unseen, steps and challenges that are over, old notices. */
export async function deleteOutdated(db: Db, before: { now: Date; dayAgo: Date; longAgo: Date }) {
  await db.deleteFrom('sign_in_budget').where('at', '<', before.dayAgo).execute()
  await db.deleteFrom('account_device').where('seen_at', '<', before.longAgo).execute()
  await db.deleteFrom('sign_in_confirmation').where('expires_at', '<', before.now).execute()
  await db.deleteFrom('passkey_challenge').where('expires_at', '<', before.now).execute()
  await db.deleteFrom('sign_in_notice').where('created_at', '<', before.longAgo).execute()
}

/** Second steps under way and challenges of passkeys: whoever began one begins again. */
export async function deleteAllSteps(tx: Tx): Promise<void> {
  await tx.deleteFrom('sign_in_confirmation').execute()
  await tx.deleteFrom('passkey_challenge').execute()
}
