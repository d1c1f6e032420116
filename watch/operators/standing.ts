/** Who operates the watch, and in which role. All SQL of it but the change of a role. */
import type { OperatorRole } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import type { Statement } from '../store/index.ts'

export interface Operator {
  readonly id: string
  readonly name: string
  readonly role: OperatorRole
  readonly sinceMs: number
}

const COLUMNS = 'id, name, role, since_ms as sinceMs'

/** The longest serving first. */
export const listOperators = (ctx: WatchCtx): Operator[] =>
  ctx.store.all<Operator>(`select ${COLUMNS} from operator where role <> 'none' order by since_ms, rowid`)

/** Null: nobody of this account operates the watch (any longer). */
export const findOperator = (ctx: WatchCtx, id: string): Operator | null =>
  ctx.store.get<Operator>(`select ${COLUMNS} from operator where id = :id and role <> 'none'`, { id }) ?? null

/** Whether the account had a standing that was taken away. */
export const wasRemoved = (ctx: WatchCtx, id: string): boolean =>
  ctx.store.get(`select 1 from operator where id = :id and role = 'none'`, { id }) !== undefined

/** Whose name an account's id was, also once they are removed; for the log. */
export const operatorName = (ctx: WatchCtx, id: string): string | null =>
  ctx.store.get<{ name: string }>('select name from operator where id = :id', { id })?.name ?? null

/** Undone with its unit when the account has a standing already. */
export const admitStatement = (ctx: WatchCtx, operator: Omit<Operator, 'sinceMs'>): Statement => ({
  sql: 'insert into operator (id, name, role, since_ms) values (:id, :name, :role, :nowMs) on conflict do nothing',
  params: {
    id: operator.id,
    name: operator.name,
    role: operator.role,
    nowMs: ctx.clock.now().getTime(),
  },
  mustChange: true,
})

/** Their account is gone from the file of accounts. */
export const loseStatement = (id: string): Statement => ({
  sql: `update operator set role = 'none' where id = :id and role <> 'none'`,
  params: { id },
})

export const countAdmins = (ctx: WatchCtx): number =>
  ctx.store.get<{ count: number }>(`select count(*) as count from operator where role = 'admin'`)!.count
