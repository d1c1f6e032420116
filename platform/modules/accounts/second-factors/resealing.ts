/** After a break-in: all authenticators' secrets under the vault's new key. */
import type { Ctx } from '../../../app/context.ts'
import { inTransaction } from '../../../infra/db/index.ts'
import * as queries from './factors.queries.ts'
import { openSecret, sealSecret, type VaultKeys } from './sealing.ts'

const BATCH = 1_000

export interface Resealed {
  readonly count: number
  /** Neither key opens them: their owners come in by recovery codes or passkeys. */
  readonly lostCount: number
}

/** Idempotent; all of them, or none. @throws when the database is away */
export function resealSecondFactors(ctx: Pick<Ctx, 'db'>, keys: VaultKeys): Promise<Resealed> {
  return inTransaction(ctx, async (tx) => {
    let [count, lostCount, after] = [0, 0, '00000000-0000-0000-0000-000000000000']
    for (;;) {
      const rows = await queries.lockTotps(tx, after, BATCH)
      for (const { accountId, secretSealed } of rows) {
        const secret = openSecret(keys, accountId, secretSealed)
        if (secret === null) lostCount++
        else await queries.updateTotpSecret(tx, accountId, sealSecret(keys, accountId, secret))
        after = accountId
      }
      count += rows.length
      if (rows.length < BATCH) return { count: count - lostCount, lostCount }
    }
  })
}
