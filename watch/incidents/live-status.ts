/** What the detector says now, kept in memory, and who wants to hear of changes. */
import type { CellView, Collateral } from '../../engines/detect/types.ts'
import type { WatchChange } from './views.ts'

export interface LiveStatus {
  /** Empty for a service that nothing is known of yet. */
  cells(serviceId: string): readonly CellView[]
  collaterals(serviceId: string): readonly Collateral[]
  /** When evidence last came in; null: none yet. */
  asOfMs(serviceId: string): number | null
  /** The watch itself has no connection. */
  isBlind(): boolean
  /** Calls back after each change is on the disk. A listener that throws is logged and harms nobody. Disposal ends it. */
  onChange(listener: (change: WatchChange) => void): Disposable
  /** Tells all listeners. */
  tell(change: WatchChange): void
}
