/** After a breach: nobody is signed in any more, whoever they were, and no link that was sent still opens anything. */
import type { Ctx } from '../../../app/context.ts'
import { inTransaction } from '../../../infra/db/index.ts'
import * as queries from '../accounts.queries.ts'
import { hashToken } from './assertions.ts'
import { deleteAllSteps } from '../sign-in/sign-in.queries.ts'
import { keepRevoked } from './revocations.ts'

/** A statement takes so many parameters at most. */
const BATCH = 1_000

/**
 * Ends all sessions and forgets all open proofs and second steps; answers how many sessions there were. Processes that run remember
 * sessions for a minute: restart them.
 *
 * Idempotent. @throws when the database is away
 */
export async function endAllSessions(ctx: Pick<Ctx, 'db' | 'clock' | 'config'>): Promise<number> {
  const tokens = await inTransaction(ctx, async (tx) => {
    const ended = (await queries.deleteAllSessions(tx)).map(({ token }) => token)
    for (let at = 0; at < ended.length; at += BATCH) {
      const hashes = ended.slice(at, at + BATCH).map((token) => Buffer.from(hashToken(token), 'base64url'))
      await queries.insertRevocations(tx, hashes, ctx.clock.now())
    }
    await queries.deleteAllVerifications(tx)
    await deleteAllSteps(tx)
    return ended
  })
  await keepRevoked(ctx, tokens)
  return tokens.length
}
