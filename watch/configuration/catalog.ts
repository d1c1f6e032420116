/** The watched services: the last good configuration of each, replaced without a restart. */
import type { ServiceEntry } from './schema.ts'

export interface Catalog {
  /** All services, by the order of their files. */
  services(): readonly ServiceEntry[]
  find(serviceId: string): ServiceEntry | undefined
  /** Files whose present text can't be used; their last good one is in force, if there ever was one. */
  faults(): readonly CatalogFault[]
  /** Calls back after each change that took effect. Disposal ends it. */
  onChange(listener: () => void): Disposable
}

export interface CatalogFault {
  readonly file: string
  /** From 1; null: the file as a whole. */
  readonly line: number | null
  readonly column: number | null
  readonly message: string
  /** What to do. */
  readonly remedy: string
}
