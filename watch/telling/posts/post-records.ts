/** All SQL of posts. They are written in one unit with the messages of the same notice. */
import type { WatchCtx } from '../../app/context.ts'
import type { Statement, Store } from '../../store/index.ts'
import { Notice } from '../notices.ts'
import type { PostRef, Thread } from './poster.ts'

/** One post for each account of the service; none of what is not worth one. */
export function postStatements(ctx: WatchCtx, notice: Notice): Statement[] {
  if (!notice.isPost) return []
  const nowMs = ctx.clock.now().getTime()
  const targets = ctx.catalog.find(notice.serviceId)?.posts ?? []
  return targets
    .filter(({ maintenance }) => maintenance || notice.kind !== 'maintenance')
    .map((target) => ({
      sql: `insert into post (id, service_id, target_id, notice_id, subject_id, at_ms, due_at_ms, first_due_at_ms)
        values (:id, :serviceId, :targetId, :noticeId, :subjectId, :atMs, :nowMs, :nowMs) on conflict do nothing`,
      params: {
        id: ctx.newId(),
        serviceId: notice.serviceId,
        targetId: target.id,
        noticeId: notice.id,
        subjectId: notice.subjectId,
        atMs: notice.atMs,
        nowMs,
      },
    }))
}

export interface DuePost {
  readonly id: string
  readonly serviceId: string
  readonly targetId: string
  readonly attempts: number
  readonly firstDueAtMs: number
  readonly notice: Notice
}

/** Posts whose time has come, oldest first; of each thread only the next. */
export function listDuePosts(store: Store, nowMs: number, limit: number): DuePost[] {
  return store
    .all<{
      id: string
      service_id: string
      target_id: string
      attempts: number
      first_due_at_ms: number
      body: string
    }>(
      `select p.id, p.service_id, p.target_id, p.attempts, p.first_due_at_ms, n.body
       from post p join notice n on n.id = p.notice_id
       where p.state = 'waiting' and p.due_at_ms <= :nowMs and not exists (
         select 1 from post e where e.service_id = p.service_id and e.target_id = p.target_id
           and e.subject_id = p.subject_id and e.state = 'waiting'
           and (e.at_ms < p.at_ms or (e.at_ms = p.at_ms and e.rowid < p.rowid)))
       order by p.at_ms, p.rowid limit :limit`,
      { nowMs, limit },
    )
    .map((row) => ({
      id: row.id,
      serviceId: row.service_id,
      targetId: row.target_id,
      attempts: row.attempts,
      firstDueAtMs: row.first_due_at_ms,
      notice: Notice.parse(JSON.parse(row.body)),
    }))
}

/** What the post replies to: the last one of its thread in this account; null: it begins one. */
export function threadOf(store: Store, { serviceId, targetId, notice }: DuePost): Thread | null {
  const row = store.get<{ ref: string; root_ref: string }>(
    `select ref, root_ref from post where service_id = :serviceId and target_id = :targetId
       and subject_id = :subjectId and state = 'sent' order by at_ms desc, rowid desc limit 1`,
    { serviceId, targetId, subjectId: notice.subjectId },
  )
  // Written by `postedStatement` only.
  return row ? { root: JSON.parse(row.root_ref) as PostRef, parent: JSON.parse(row.ref) as PostRef } : null
}

export const postedStatement = (id: string, ref: PostRef, root: PostRef): Statement => ({
  sql: `update post set state = 'sent', attempts = attempts + 1, last_error = null, ref = :ref, root_ref = :root
    where id = :id`,
  params: { id, ref: JSON.stringify(ref), root: JSON.stringify(root) },
})

export const retryPostStatement = (id: string, dueAtMs: number, error: string): Statement => ({
  sql: 'update post set due_at_ms = :dueAtMs, attempts = attempts + 1, last_error = :error where id = :id',
  params: { id, dueAtMs, error },
})

/** Later, without having been tried. */
export const holdPostStatement = (id: string, dueAtMs: number): Statement => ({
  sql: 'update post set due_at_ms = :dueAtMs where id = :id',
  params: { id, dueAtMs },
})

export const giveUpPostStatement = (id: string, error: string): Statement => ({
  sql: `update post set state = 'given-up', attempts = attempts + 1, last_error = :error where id = :id`,
  params: { id, error },
})
