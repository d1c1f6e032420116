/** What the supervisor and a role say to each other over their channel. */

export const ROLE_NAMES = ['ingest', 'api', 'worker'] as const
export type RoleName = (typeof ROLE_NAMES)[number]

export type FromSupervisor =
  /** Comes with the connection itself. The role says `taken` before it reads a byte of it. */
  | { readonly type: 'connection'; readonly id: number }
  | { readonly type: 'ping' }
  /** Asks the api role for the link that makes the operator's account. */
  | { readonly type: 'issue-operator-link' }

export type FromRole =
  | { readonly type: 'ready' }
  /** It is ending in order and wants no further connection. */
  | { readonly type: 'draining' }
  | { readonly type: 'pong' }
  | { readonly type: 'taken'; readonly id: number }
  /** The path to open once, or null when there is an operator already. */
  | { readonly type: 'operator-link'; readonly path: string | null }

/** How long a role may take to finish what it has begun; then it is ended by force. */
export const DRAIN_TIMEOUT_MS = 10_000
