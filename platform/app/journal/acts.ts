/**
 * What people do that can be kept: done at once while the database is there, else written down, acknowledged, and done
 * later by the same verb.
 */
import type { z } from 'zod'
import { currentScope } from '../../../kit/admission/index.ts'
import { isDatabaseUnavailable } from '../../infra/db/index.ts'
import type { Ctx } from '../context.ts'
import type { Feature } from '../steward/index.ts'

/** How long an answer waits for what is kept to be done, once the database is there. */
const CATCHING_UP_MS = 500

export interface Act<Input, Answer> {
  /** Stands in the files of the journal: it never changes. */
  readonly name: string
  /** While this one is `kept`, the act is kept without asking the database. */
  readonly feature: Feature
  /** What the journal holds of it; checked again when it is read. */
  readonly shape: z.ZodType<Input>
  /** Whose it is. */
  actorOf(input: Input): string
  /** What it sets, the same for an act and its opposite; null: each stands for itself. */
  setsOf(input: Input): string | null
  /** The same for a request that is repeated; null: a repeated one is another act, or one that does no harm. */
  repeatOf(input: Input): string | null
  /** The part of the journal's room that it may fill. @default 1 */
  roomShareOf?(input: Input): number
  /** What is written down instead: names that may be somebody else's by the time that it is done are replaced by ids. */
  pin?(ctx: Ctx, input: Input): Input
  /** What can be known without the database. @throws {AppError} */
  check?(ctx: Ctx, input: Input): void
  /** The verb: idempotent, so that it may be done again when nobody knows whether it was. */
  do(ctx: Ctx, input: Input): Promise<Answer>
  /** The answer when it was written down at that time. */
  answerKept(input: Input, at: Date): Answer
}

/** An act of any kind, as replay needs it. */
export interface AnyAct {
  readonly name: string
  readonly shape: z.ZodType
  /** @param input as `shape` has parsed it */
  do(ctx: Ctx, input: never): Promise<unknown>
}

/**
 * Does the act, or keeps it: while its feature is `kept`, while something that its actor did before is still waiting, and
 * when the database goes away in the middle, so that nobody knows whether it was done.
 *
 * @param beforeKeeping may refuse it by throwing, where it would have to be kept
 * @throws {AppError} journal-unwritable, database-unavailable, or too-many-requests where its actor has too many waiting: it is
 * neither done nor kept.
 */
export async function doOrKeep<Input, Answer>(
  ctx: Ctx,
  act: Act<Input, Answer>,
  input: Input,
  beforeKeeping: () => void = () => {},
): Promise<Answer> {
  const { journal } = ctx
  if (journal === null) return act.do(ctx, input)
  if (ctx.steward.modeOf(act.feature) === 'kept' || journal.mustFollow(act.actorOf(input))) {
    beforeKeeping()
    return keep(ctx, act, input)
  }
  try {
    return await act.do(ctx, input)
  } catch (error) {
    // Whoever is gone was told nothing, and may have done something else since.
    if (!isDatabaseUnavailable(error) || currentScope()?.isGone) throw error
    beforeKeeping()
    return await keep(ctx, act, input)
  }
}

async function keep<Input, Answer>(ctx: Ctx, act: Act<Input, Answer>, given: Input): Promise<Answer> {
  const input = act.pin?.(ctx, given) ?? given
  act.check?.(ctx, input)
  const entry = {
    act: act.name,
    actor: act.actorOf(input),
    sets: act.setsOf(input),
    repeat: act.repeatOf(input),
    input,
  }
  const kept = await ctx.journal!.keep(entry, { roomShare: act.roomShareOf?.(input) })
  // While it is caught up with, nobody adds to it faster than it can be done.
  if (ctx.steward.isUp('database') && ctx.databaseGuard.isUp)
    await ctx.journal!.waitForSettling(kept, CATCHING_UP_MS)
  // A repeated request gets the answer of the first, as it was given.
  return act.answerKept(act.shape.parse(kept.input), kept.at)
}
