/** What is promised after an incident, tracked until it is done: verbs and all their SQL. */
import { nameOfActor, requireOperator, type Actor } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import { auditStatement, incidentById } from '../incidents/index.ts'
import { dayOfDate, instantOf } from '../on-call/local-time.ts'
import { adoptionOf } from '../peers/adoption.ts'

const TEXT_MAX_LENGTH = 500
const OWNER_MAX_LENGTH = 80
const PER_INCIDENT_MAX = 100
const LIST_MAX = 500

export interface FollowUp {
  readonly id: string
  readonly incidentId: string
  readonly text: string
  /** As people call them; empty: nobody yet. */
  readonly owner: string
  /** YYYY-MM-DD in the service's time zone; null: no day was named. */
  readonly dueOn: string | null
  readonly createdAtMs: number
  readonly doneAtMs: number | null
  readonly doneBy: string | null
}

const COLUMNS = `id, incident_id as incidentId, text, owner, due_on as dueOn, created_at_ms as createdAtMs,
  done_at_ms as doneAtMs, done_by as doneBy`

/** Of one incident, the open ones first. */
export const followUpsOf = (ctx: WatchCtx, incidentId: string): FollowUp[] =>
  ctx.store.all<FollowUp>(
    `select ${COLUMNS} from follow_up where incident_id = :incidentId
     order by done_at_ms is not null, due_on is null, due_on, created_at_ms, id`,
    { incidentId },
  )

/** Of all incidents: what has waited longest past its day first, what has no day last. */
export const openFollowUps = (ctx: WatchCtx): FollowUp[] =>
  ctx.store.all<FollowUp>(
    `select ${COLUMNS} from follow_up where done_at_ms is null
     order by due_on is null, due_on, created_at_ms, id limit ${LIST_MAX}`,
  )

/** The day that was named has passed where the service is at home. */
export const isOverdue = ({ dueOn, doneAtMs }: FollowUp, timeZone: string, nowMs: number): boolean =>
  doneAtMs === null && dueOn !== null && nowMs >= instantOf(dayOfDate(dueOn) + 1, 0, timeZone)

export interface AddFollowUpInput {
  readonly actor: Actor
  readonly incidentId: string
  readonly text: string
  /** Empty: nobody yet. */
  readonly owner: string
  readonly dueOn: string | null
}

/** @throws {WatchError} not-allowed, not-found, invalid-input */
export async function addFollowUp(ctx: WatchCtx, input: AddFollowUpInput): Promise<{ readonly id: string }> {
  requireOperator(input.actor, 'responder')
  const { actor, incidentId, dueOn } = input
  if (!incidentById(ctx, incidentId)) throw notFound('incident', incidentId)
  const text = input.text.trim()
  const owner = input.owner.trim()
  if (text === '' || text.length > TEXT_MAX_LENGTH)
    throw new WatchError('invalid-input', {
      detail: `Say what is to be done, in at most ${TEXT_MAX_LENGTH} characters.`,
      fields: { text: text === '' ? 'takes some text' : `takes at most ${TEXT_MAX_LENGTH} characters` },
    })
  if (owner.length > OWNER_MAX_LENGTH)
    throw new WatchError('invalid-input', {
      fields: { owner: `takes at most ${OWNER_MAX_LENGTH} characters` },
    })
  if (dueOn !== null && (!/^\d{4}-\d{2}-\d{2}$/.test(dueOn) || Number.isNaN(dayOfDate(dueOn))))
    throw new WatchError('invalid-input', {
      detail: 'A day looks like 2026-11-22.',
      fields: { due: 'is no day' },
    })
  if (followUpsOf(ctx, incidentId).length >= PER_INCIDENT_MAX)
    throw new WatchError('invalid-input', {
      detail: `An incident has at most ${PER_INCIDENT_MAX} follow-ups; this one is full.`,
    })
  const id = ctx.newId()
  await ctx.store.write([
    ...adoptionOf(ctx, incidentId),
    {
      sql: `insert into follow_up (id, incident_id, text, owner, due_on, created_at_ms, created_by)
        values (:id, :incidentId, :text, :owner, :dueOn, :nowMs, :by)`,
      params: {
        id,
        incidentId,
        text,
        owner,
        dueOn,
        nowMs: ctx.clock.now().getTime(),
        by: nameOfActor(actor),
      },
    },
    auditStatement(ctx, {
      actor,
      action: 'add-follow-up',
      subject: incidentId,
      facts: { text, owner, dueOn },
    }),
  ])
  return { id }
}

/**
 * Says that it is done, or (`isDone` false) that it is not after all. Idempotent.
 *
 * @throws {WatchError} not-allowed, not-found
 */
export async function finishFollowUp(
  ctx: WatchCtx,
  input: { readonly actor: Actor; readonly followUpId: string; readonly isDone: boolean },
): Promise<FollowUp> {
  requireOperator(input.actor, 'responder')
  const { actor, followUpId, isDone } = input
  const before = findFollowUp(ctx, followUpId)
  if ((before.doneAtMs !== null) === isDone) return before
  const doneAtMs = isDone ? ctx.clock.now().getTime() : null
  await ctx.store.write([
    {
      sql: `update follow_up set done_at_ms = :doneAtMs, done_by = :doneBy
        where id = :followUpId and (done_at_ms is null) = :wasOpen`,
      params: {
        followUpId,
        doneAtMs,
        doneBy: isDone ? nameOfActor(actor) : null,
        wasOpen: isDone ? 1 : 0,
      },
      mustChange: true,
    },
    auditStatement(ctx, {
      actor,
      action: isDone ? 'finish-follow-up' : 'reopen-follow-up',
      subject: before.incidentId,
      facts: { text: before.text },
    }),
  ])
  return findFollowUp(ctx, followUpId)
}

function findFollowUp(ctx: WatchCtx, id: string): FollowUp {
  const found = ctx.store.get<FollowUp>(`select ${COLUMNS} from follow_up where id = :id`, { id })
  if (!found) throw notFound('follow-up', id)
  return found
}
