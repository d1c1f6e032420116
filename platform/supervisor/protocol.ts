/** What the supervisor and a role say to each other over their channel. */
import type { OperatorOrder, OrderGiver, OrdersInForce, RoleName } from '../../contract/operations.ts'
import type { TakenBack } from '../../contract/state.ts'
import type { Level } from '../../engines/steward/index.ts'
import type { LineStanding } from '../app/abuse/standings.ts'
import type { RoleReport } from '../app/vitals.ts'

export type { RoleName } from '../../contract/operations.ts'
export const ROLE_NAMES = ['ingest', 'api', 'worker'] as const satisfies readonly RoleName[]

/** Orders as a role has to follow them. */
export interface OrdersMessage {
  readonly level: {
    readonly level: number
    readonly reason: string
    readonly since: string
    readonly untilAt: string
  } | null
  readonly features: OrdersInForce['features']
  readonly maintenance: OrdersInForce['maintenance']
  readonly blocks: readonly { readonly network: string }[]
  /** Left out by an older supervisor. */
  readonly shapes?: readonly { readonly shape: string; readonly untilAt: string }[]
  /** Left out by an older supervisor. */
  readonly takenBack?: TakenBack | null
}

/** What a role may ask of its supervisor. */
export type Question =
  | { readonly about: 'state' | 'metrics' | 'releases' }
  | { readonly about: 'history'; readonly afterS: number }
  | { readonly about: 'audit'; readonly limit: number }
  | { readonly about: 'order'; readonly order: OperatorOrder; readonly who: OrderGiver }

export type FromSupervisor =
  /** Comes with the connection itself, which waited so long for it. The role says `taken` before it reads a byte of it. */
  | { readonly type: 'connection'; readonly id: number; readonly waitedMs: number }
  | { readonly type: 'ping' }
  /** Asks the api role for the link that makes the operator's account. */
  | { readonly type: 'issue-operator-link' }
  | { readonly type: 'orders'; readonly orders: OrdersMessage }
  /** Which roles take work (null: not known yet), and the level that the api's load asks for. Told with each change. */
  | {
      readonly type: 'peers'
      readonly areUp: Readonly<Record<RoleName, boolean | null>>
      readonly apiPressure: Level
    }
  /** An operator has a network that was penalised served again. */
  | { readonly type: 'lift'; readonly key: string }
  /** Another document is in force: it is to be read from the disk. */
  | { readonly type: 'documents' }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'no-answer'; readonly id: number; readonly reason: string }
  /** Another process has taken over: it ends once those who hold connections have let go of them. */
  | { readonly type: 'retire' }

export type FromRole =
  | { readonly type: 'ready' }
  /** It is ending in order and wants no further connection. */
  | { readonly type: 'draining' }
  | { readonly type: 'pong' }
  /** Whether nothing is held back for want of the database, or on the way back from that; said with `ready`, and on each change. */
  | { readonly type: 'complete'; readonly isComplete: boolean }
  | { readonly type: 'taken'; readonly id: number }
  /** The path to open once, or null when there is an operator already. */
  | { readonly type: 'operator-link'; readonly path: string | null }
  /** Addresses to keep out before a byte of them is read, each for so long. */
  | {
      readonly type: 'penalties'
      readonly penalties: readonly { readonly line: string; readonly forMs: number }[]
    }
  | { readonly type: 'standings'; readonly standings: readonly LineStanding[] }
  | { readonly type: 'vitals'; readonly report: RoleReport }
  | { readonly type: 'ask'; readonly id: number; readonly question: Question }

/** How long a role may take to finish what it has begun; then it is ended by force. */
export const DRAIN_TIMEOUT_MS = 10_000
