/** Changing what an operator may do. */
import { requireOperator, type Actor, type OperatorRole } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import { auditStatement } from '../incidents/index.ts'
import { endDevicesStatement } from '../on-call/receivers.ts'
import { revokeInvitationsStatement } from './invitations.ts'
import { countAdmins, findOperator } from './standing.ts'

/**
 * Changes an operator's role, or removes them (`none`), and ends the invitations of whoever is no admin any more, and the
 * browsers in which whoever is removed was paged: all in one unit with the line in the log. It holds from their next request on.
 *
 * @throws {WatchError} not-allowed for anyone but an admin, for one's own role, and for the last admin's; not-found;
 * changed-meanwhile
 */
export async function changeRole(
  ctx: WatchCtx,
  input: { readonly actor: Actor; readonly operatorId: string; readonly role: OperatorRole | 'none' },
): Promise<void> {
  requireOperator(input.actor, 'admin')
  const { actor, operatorId, role } = input
  // Who can take their own rights away may leave a watch without anyone who can.
  if (actor.kind === 'operator' && actor.id === operatorId)
    throw new WatchError('not-allowed', { detail: 'Another admin has to change your role.' })
  const before = findOperator(ctx, operatorId)
  if (!before) throw notFound('operator', operatorId)
  if (before.role === 'admin' && role !== 'admin' && countAdmins(ctx) === 1)
    throw new WatchError('not-allowed', {
      detail: `${before.name} is the last admin.`,
      next: 'Make somebody else an admin first.',
    })
  await ctx.store.write([
    {
      // Two admins who take each other's role at the same time: the second finds itself too late.
      sql: `update operator set role = :role where id = :operatorId and role = :before
        and (:role = 'admin' or :before <> 'admin' or (select count(*) from operator where role = 'admin') > 1)`,
      params: { operatorId, role, before: before.role },
      mustChange: true,
    },
    ...(role === 'admin' ? [] : [revokeInvitationsStatement(operatorId)]),
    ...(role === 'none' ? [endDevicesStatement(before.name)] : []),
    auditStatement(ctx, {
      actor,
      action: role === 'none' ? 'remove-operator' : 'change-role',
      subject: operatorId,
      facts: { before: before.role, after: role },
    }),
  ])
}
