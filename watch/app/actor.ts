/** Who does something to the watch's records, as the audit log names them and as access is decided. */
import { WatchError } from './errors.ts'

export const OPERATOR_ROLES = ['observer', 'responder', 'admin'] as const
/** `observer` reads the cockpit, `responder` works on incidents, `admin` also decides who may. */
export type OperatorRole = (typeof OPERATOR_ROLES)[number]

export type Actor =
  | { readonly kind: 'watch' }
  | { readonly kind: 'operator'; readonly id: string; readonly name: string; readonly role: OperatorRole }
  /** A program that signs with a key of the configuration: a pusher, an agent, Alertmanager. */
  | { readonly kind: 'key'; readonly id: string }
  /** Whoever was paged, by the link in their page: it lets them answer that page, and nothing else. */
  | { readonly kind: 'on-call'; readonly id: string; readonly name: string }

/** The watch itself: what it does by its own rules. */
export const WATCH: Actor = { kind: 'watch' }

/** How the audit log and an update name the actor. */
export function nameOfActor(actor: Actor): string {
  if (actor.kind === 'watch') return 'watch'
  return actor.kind === 'key' ? `key:${actor.id}` : `${actor.kind}:${actor.name}`
}

/**
 * Lets the watch itself through, and operators of this role or a higher one.
 *
 * @throws {WatchError} not-allowed
 */
export function requireOperator(actor: Actor, atLeast: OperatorRole): void {
  if (actor.kind === 'watch') return
  const rank = actor.kind === 'operator' ? OPERATOR_ROLES.indexOf(actor.role) : -1
  if (rank < OPERATOR_ROLES.indexOf(atLeast))
    throw new WatchError('not-allowed', { detail: `This takes an operator of the role ${atLeast}.` })
}
