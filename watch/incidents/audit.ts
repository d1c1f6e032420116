/** The audit log: who did what to what, written in one unit with the deed. */
import { nameOfActor, type Actor } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from '../store/index.ts'
import type { AuditEntry } from './verbs.ts'

/** A statement that appends to the audit log. */
export function auditStatement(
  ctx: WatchCtx,
  entry: {
    readonly actor: Actor
    readonly action: string
    readonly subject: string
    readonly facts?: AuditEntry['facts']
  },
): Statement {
  return {
    sql: `insert into audit (id, at_ms, actor, action, subject, facts)
      values (:id, :atMs, :actor, :action, :subject, :facts)`,
    params: {
      id: ctx.newId(),
      atMs: ctx.clock.now().getTime(),
      actor: nameOfActor(entry.actor),
      action: entry.action,
      subject: entry.subject,
      facts: JSON.stringify(entry.facts ?? {}),
    },
  }
}

/** Newest first. */
export function listAudit(
  ctx: WatchCtx,
  {
    beforeMs = Number.MAX_SAFE_INTEGER,
    limit = 100,
    subject,
  }: {
    readonly beforeMs?: number
    readonly limit?: number
    /** Only what was done to this. */
    readonly subject?: string
  },
): AuditEntry[] {
  return ctx.store
    .all<Omit<AuditEntry, 'facts'> & { facts: string }>(
      `select id, at_ms as atMs, actor, action, subject, facts from audit
       where at_ms < :beforeMs ${subject === undefined ? '' : 'and subject = :subject'}
       order by at_ms desc, rowid desc limit :limit`,
      { beforeMs, limit: Math.min(limit, 1_000), ...(subject !== undefined && { subject }) },
    )
    .map((row) => ({ ...row, facts: JSON.parse(row.facts) as AuditEntry['facts'] }))
}
