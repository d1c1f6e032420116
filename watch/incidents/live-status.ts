/** What the detector says now, kept in memory, and who wants to hear of changes. */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { CellView, Collateral } from '../../engines/detect/types.ts'
import type { Log } from '../../kit/log.ts'
import { holdingOf, type DeclaredView } from './declared.ts'
import type { OwnIncident } from './record-view.ts'
import type { WatchChange } from './views.ts'

/** A component as it was last judged. */
export interface ComponentNow {
  readonly status: ComponentStatus
  readonly state: CellView['state']
  /** When the status last changed; null: never. */
  readonly changedAtMs: number | null
  readonly createdAtMs: number
}

export interface LiveStatus {
  /** Empty for a service that nothing is known of yet. */
  cells(serviceId: string): readonly CellView[]
  /** By feature. */
  components(serviceId: string): ReadonlyMap<string, ComponentNow>
  collaterals(serviceId: string): readonly Collateral[]
  /** When evidence last came in; null: none yet. */
  asOfMs(serviceId: string): number | null
  /** The watch itself has no connection. */
  isBlind(serviceId: string): boolean
  /** What was not looked at since this process began; null: nothing is left. */
  unchecked(serviceId: string): Unchecked | null
  /** What the service declares of itself; null: nothing, or not lately enough. */
  declared(serviceId: string, nowMs: number): DeclaredView | null
  /** Takes what a service declares of itself, in place of what it did before. */
  declare(serviceId: string, told: DeclaredView): void
  /** Incidents of the service as they are by now, where the disk has not taken that yet. */
  unwritten(serviceId: string): readonly OwnIncident[]
  findUnwritten(incidentId: string): OwnIncident | null
  /**
   * Calls back after each change: of an incident or a window once it is on the disk, of a status at once. A listener that throws is logged and harms
   * nobody. Disposal ends it.
   */
  onChange(listener: (change: WatchChange) => void): Disposable
  /** Tells all listeners. */
  tell(change: WatchChange): void
}

/** What is known from before a restart only. */
export interface Unchecked {
  /** Until when this watch was there. */
  readonly sinceMs: number
  readonly featureIds: ReadonlySet<string>
}

/** One service's part, as the incident loop keeps it up. */
export interface LiveService {
  cells: readonly CellView[]
  components: Map<string, ComponentNow>
  collaterals: readonly Collateral[]
  asOfMs: number | null
  isBlind: boolean
  unchecked: Unchecked | null
  declared: DeclaredView | null
  /** By id. */
  unwritten: ReadonlyMap<string, OwnIncident>
}

export interface LiveBoard extends LiveStatus {
  /** The service's part, to be changed in place. */
  service(serviceId: string): LiveService
}

/** Begins with nothing known. */
export function createLiveBoard(log: Log): LiveBoard {
  const services = new Map<string, LiveService>()
  const listeners = new Set<(change: WatchChange) => void>()
  function service(serviceId: string): LiveService {
    let live = services.get(serviceId)
    if (!live) {
      live = {
        cells: [],
        components: new Map(),
        collaterals: [],
        asOfMs: null,
        isBlind: false,
        unchecked: null,
        declared: null,
        unwritten: new Map(),
      }
      services.set(serviceId, live)
    }
    return live
  }
  return {
    service,
    cells: (serviceId) => services.get(serviceId)?.cells ?? [],
    components: (serviceId) => services.get(serviceId)?.components ?? new Map<string, ComponentNow>(),
    collaterals: (serviceId) => services.get(serviceId)?.collaterals ?? [],
    asOfMs: (serviceId) => services.get(serviceId)?.asOfMs ?? null,
    isBlind: (serviceId) => services.get(serviceId)?.isBlind ?? false,
    unchecked: (serviceId) => services.get(serviceId)?.unchecked ?? null,
    declared: (serviceId, nowMs) => holdingOf(services.get(serviceId)?.declared ?? null, nowMs),
    declare(serviceId, told) {
      service(serviceId).declared = told
    },
    unwritten: (serviceId) => [...(services.get(serviceId)?.unwritten.values() ?? [])],
    findUnwritten(incidentId) {
      for (const { unwritten } of services.values()) {
        const found = unwritten.get(incidentId)
        if (found) return found
      }
      return null
    },
    onChange(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    tell(change) {
      for (const listener of listeners) {
        try {
          listener(change)
        } catch (error) {
          log.error({ err: error, change: change.kind }, 'live.listener-failed')
        }
      }
    },
  }
}
