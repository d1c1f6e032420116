/** How somebody becomes an operator: by a link that works once. The first one lies in a file that only the owner of the machine reads. */
import { createHash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { OPERATOR_ROLES, requireOperator, type Actor, type OperatorRole } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import { auditStatement } from '../incidents/index.ts'
import {
  forgetKeptStatement,
  keepStatement,
  readKept,
  useUpKeptStatement,
  type Statement,
} from '../store/index.ts'
import type { Account } from './auth.ts'
import { admitStatement } from './standing.ts'

const VALID_MS = 48 * 3_600_000
const KEY_BYTES = 24
const LINK_FILE = 'first-operator-link.txt'
const PREFIX = 'invitation-'

const Invitation = z.object({
  role: z.enum(OPERATOR_ROLES),
  untilMs: z.number().nullable(),
  by: z.string().nullish(),
})

const nameOf = (key: string): string => `${PREFIX}${createHash('sha256').update(key).digest('hex')}`

/** With nobody to operate the watch, writes the link for the first one; it lasts until it is used. */
export async function offerFirstOperator(ctx: WatchCtx, origin: string): Promise<void> {
  const key = ctx.randomBytes(KEY_BYTES).toString('base64url')
  await ctx.store.write([
    forgetKeptStatement(PREFIX),
    invitationStatement(ctx, key, { role: 'admin', untilMs: null, by: null }),
  ])
  const path = join(ctx.config.dataDir, LINK_FILE)
  await writeFile(path, `${origin}/operate/join/${key}\n`, { mode: 0o600 })
  ctx.log.info({ path }, 'operators.none-yet: the link for the first one is in this file')
}

/** A link for one more. @throws {WatchError} not-allowed for anyone but an admin */
export async function invite(
  ctx: WatchCtx,
  input: { readonly actor: Actor; readonly role: OperatorRole },
): Promise<string> {
  requireOperator(input.actor, 'admin')
  const key = ctx.randomBytes(KEY_BYTES).toString('base64url')
  const untilMs = ctx.clock.now().getTime() + VALID_MS
  const by = input.actor.kind === 'operator' ? input.actor.id : null
  await ctx.store.write([
    invitationStatement(ctx, key, { role: input.role, untilMs, by }),
    auditStatement(ctx, { actor: input.actor, action: 'invite-operator', subject: input.role }),
  ])
  return `/operate/join/${key}`
}

/** @throws {WatchError} not-found when it was used, has run out, or never was */
export function findInvitation(ctx: WatchCtx, key: string): { readonly role: OperatorRole } {
  const value = readKept(ctx.store, nameOf(key))
  const invitation = value === undefined ? null : Invitation.parse(JSON.parse(value))
  if (!invitation || (invitation.untilMs !== null && invitation.untilMs < ctx.clock.now().getTime()))
    throw notFound('invitation', 'of this link')
  return invitation
}

/**
 * Makes whoever completed an account an operator of the invitation's role, and uses the invitation up, in one unit; with it
 * goes the file of the first one.
 *
 * @throws {WatchError} not-found, changed-meanwhile when it was used meanwhile
 */
export async function admit(
  ctx: WatchCtx,
  { key, account }: { readonly key: string; readonly account: Account },
): Promise<void> {
  const { role } = findInvitation(ctx, key)
  await ctx.store.write([
    useUpKeptStatement(nameOf(key)),
    admitStatement(ctx, { ...account, role }),
    auditStatement(ctx, {
      actor: { kind: 'operator', ...account, role },
      action: 'join',
      subject: account.id,
      facts: { role },
    }),
  ])
  await rm(join(ctx.config.dataDir, LINK_FILE), { force: true })
}

/** Ends the invitations of somebody who may no longer invite: they would be a way back. */
export const revokeInvitationsStatement = (operatorId: string): Statement => ({
  sql: `delete from kept where substr(name, 1, ${PREFIX.length}) = '${PREFIX}'
    and json_extract(value, '$.by') = :operatorId`,
  params: { operatorId },
})

const invitationStatement = (ctx: WatchCtx, key: string, value: z.infer<typeof Invitation>): Statement =>
  keepStatement({ name: nameOf(key), value: JSON.stringify(value), nowMs: ctx.clock.now().getTime() })
