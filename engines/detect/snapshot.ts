/** State to JSON and back, exactly: maps, typed arrays and NaN included. */
import { createMaintenance } from './maintenance.ts'
import type { DetectorSnapshot } from './types.ts'

/** Raised whenever the remembered state changes its shape or its meaning. */
export const SNAPSHOT_VERSION = 2
/** From here on they can be read. */
const OLDEST_VERSION = 1

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

export function encodeState(value: unknown): Json {
  if (value instanceof Float64Array)
    return { $floats: [...value].map((each) => (Number.isNaN(each) ? null : each)) }
  if (value instanceof Map)
    return { $map: [...value].map(([key, each]) => [key as string, encodeState(each)]) }
  if (Array.isArray(value)) return value.map(encodeState)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, each]) => each !== undefined)
        .map(([key, each]) => [key, encodeState(each)]),
    )
  }
  return value as Json
}

export function decodeState(value: Json): unknown {
  if (Array.isArray(value)) return value.map(decodeState)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value.$floats))
    return Float64Array.from(value.$floats as (number | null)[], (each) => each ?? Number.NaN)
  if (Array.isArray(value.$map))
    return new Map((value.$map as [string, Json][]).map(([key, each]) => [key, decodeState(each)]))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, decodeState(each)]))
}

/** The remembered state; null where this code can't read it. */
export function readSnapshot(saved: DetectorSnapshot | undefined): unknown {
  if (saved === undefined || saved.version < OLDEST_VERSION || saved.version > SNAPSHOT_VERSION) return null
  const state = decodeState(saved.state as Json)
  if (saved.version < 2) upgradeMaintenance(state as RememberedMaintenance)
  return state
}

interface RememberedMaintenance {
  readonly services: ReadonlyMap<string, { maintenance: unknown; readonly cells: readonly unknown[] }>
}

/** Version 1 remembered edges that may have been lost since. Who keeps the windows says anew which are under way. */
function upgradeMaintenance({ services }: RememberedMaintenance): void {
  for (const service of services.values()) service.maintenance = createMaintenance(service.cells.length)
}
