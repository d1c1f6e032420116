/** How somebody becomes an operator: by a link that works once. The first one lies in a file that only the owner of the machine reads. */
import { createHash } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { OPERATOR_ROLES, requireOperator, type Actor, type OperatorRole } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import { auditStatement } from '../incidents/index.ts'
import type { Statement } from '../store/index.ts'

const VALID_MS = 48 * 3_600_000
const KEY_BYTES = 24
const LINK_FILE = 'first-operator-link.txt'

const Invitation = z.object({
  role: z.enum(OPERATOR_ROLES),
  untilMs: z.number().nullable(),
  by: z.string().nullish(),
})

const nameOf = (key: string): string => `invitation-${createHash('sha256').update(key).digest('hex')}`

/** With nobody to operate the watch, writes the link for the first one; it lasts until it is used. */
export async function offerFirstOperator(ctx: WatchCtx, origin: string): Promise<void> {
  const key = ctx.randomBytes(KEY_BYTES).toString('base64url')
  await ctx.store.write([
    { sql: "delete from kept where name like 'invitation-%'" },
    keepStatement(ctx, key, { role: 'admin', untilMs: null, by: null }),
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
  await ctx.store.write([
    keepStatement(ctx, key, { role: input.role, untilMs, by: idOf(input.actor) }),
    auditStatement(ctx, { actor: input.actor, action: 'invite-operator', subject: input.role }),
  ])
  return `/operate/join/${key}`
}

/** @throws {WatchError} not-found when it was used, has run out, or never was */
export function findInvitation(ctx: WatchCtx, key: string): { readonly role: OperatorRole } {
  const row = ctx.store.get<{ value: string }>('select value from kept where name = :name', {
    name: nameOf(key),
  })
  const invitation = row && Invitation.parse(JSON.parse(row.value))
  if (!invitation || (invitation.untilMs !== null && invitation.untilMs < ctx.clock.now().getTime()))
    throw notFound('invitation', 'of this link')
  return invitation
}

/** Ends it; with it goes the file of the first one. */
export async function useUpInvitation(ctx: WatchCtx, key: string, actor: Actor): Promise<void> {
  await ctx.store.write([
    { sql: 'delete from kept where name = :name', params: { name: nameOf(key) }, mustChange: true },
    auditStatement(ctx, {
      actor,
      action: 'join',
      subject: actor.kind === 'operator' ? actor.id : actor.kind,
    }),
  ])
  await rm(join(ctx.config.dataDir, LINK_FILE), { force: true })
}

/** Ends the invitations of somebody who may no longer invite: they would be a way back. */
export const revokeInvitationsStatement = (operatorId: string): Statement => ({
  sql: "delete from kept where name like 'invitation-%' and json_extract(value, '$.by') = :operatorId",
  params: { operatorId },
})

const idOf = (actor: Actor): string | null => (actor.kind === 'operator' ? actor.id : null)

const keepStatement = (ctx: WatchCtx, key: string, value: z.infer<typeof Invitation>) => ({
  sql: 'insert into kept (name, value, at_ms) values (:name, :value, :nowMs)',
  params: { name: nameOf(key), value: JSON.stringify(value), nowMs: ctx.clock.now().getTime() },
})
