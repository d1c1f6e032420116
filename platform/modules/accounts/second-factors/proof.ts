/** Fresh proof of who sits there, before what an unlocked device or a stolen session must not be enough for. */
import type { Ctx } from '../../../app/context.ts'
import { AppError } from '../../../app/errors.ts'
import type { Viewer } from '../../../app/http.ts'
import * as queries from './factors.queries.ts'

/** One proof, the sign-in itself included, is good for so long. */
export const PROOF_MS = 10 * 60_000

/** Until when the viewer needs no other proof; null: one is needed now. */
export async function provenUntil(ctx: Ctx, viewer: Viewer): Promise<Date | null> {
  const at = await queries.findProof(ctx.db, viewer.sessionId)
  const until = at === null ? 0 : at.getTime() + PROOF_MS
  return until > ctx.clock.now().getTime() ? new Date(until) : null
}

/**
 * For verbs that change or take away what guards an account, or all of it: e-mail address, factors, export, deletion.
 *
 * @throws {AppError} proof-needed; session-not-checked while the database can't tell
 */
export async function requireProof(ctx: Ctx, viewer: Viewer): Promise<void> {
  if (viewer.isUnchecked) throw new AppError('session-not-checked')
  if ((await provenUntil(ctx, viewer)) === null) throw new AppError('proof-needed')
}
