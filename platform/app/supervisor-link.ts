/** The supervisor as a role sees it: what it knows of all of them, and what an operator can have it do. */
import type {
  AuditEntry,
  OperationsHistory,
  OperationsState,
  OperatorOrder,
  OrderAnswer,
  OrderGiver,
} from '../../contract/operations.ts'
import type { ReleasesState } from '../../contract/releases.ts'
import type { LineStanding } from './abuse/standings.ts'

/** Of a data folder: the orders in force, with the supervisor ended or dead as well. */
export const ORDERS_FILE = 'run/orders.json'

/** Who asks, by name; the answer, by what was asked. All are given within a second. */
export interface SupervisorLink {
  state(): Promise<OperationsState>
  /** @param afterS leaves out what is not later; 0: everything that is kept */
  history(afterS: number): Promise<OperationsHistory>
  /** The newest first. */
  audit(limit: number): Promise<AuditEntry[]>
  releases(): Promise<ReleasesState>
  /** In Prometheus' text format. */
  metrics(): Promise<string>
  give(order: OperatorOrder, who: OrderGiver): Promise<OrderAnswer>
  /** Lines from which people known to us come, or somebody who proved work; nothing comes back. */
  tellStandings(standings: readonly LineStanding[]): void
  /** To be kept out before a byte of them is read; nothing comes back. */
  tellPenalties(penalties: readonly { readonly line: string; readonly forMs: number }[]): void
}
