/**
 * What is done on purpose, per cell. Windows are a level: whoever keeps them says which are under way, and what isn't said
 * is over. Markers of the service itself are edges, so each holds for a time only: an end that never comes hides no outage.
 */
import type { Shape } from './shape.ts'
import type { MaintenanceWindow } from './types.ts'

/** A marker that says that maintenance began, and none that it ended: so long it is believed. */
export const MARKED_MAX_MS = 24 * 3_600_000

export interface MaintenanceState {
  /** In a window that is under way. */
  readonly planned: boolean[]
  /** A marker said so, and is believed until then; 0: none. */
  readonly markedUntilMs: Float64Array
  /** The last time that any window was under way: from its first bin to its last. Null: there was none. */
  plannedFromMs: number | null
  plannedUntilMs: number | null
}

export const createMaintenance = (cells: number): MaintenanceState => ({
  planned: Array.from({ length: cells }, () => false),
  markedUntilMs: new Float64Array(cells),
  plannedFromMs: null,
  plannedUntilMs: null,
})

/** Takes all windows of the service that are under way in this bin. */
export function planMaintenance(
  state: MaintenanceState,
  shape: Shape,
  windows: readonly MaintenanceWindow[],
  atMs: number,
): void {
  const wasPlanned = state.planned.includes(true)
  if (windows.length === 0 && !wasPlanned) return
  for (let cell = 0; cell < state.planned.length; cell++)
    state.planned[cell] = windows.some((window) => concernsCell(shape, window, cell))
  if (!state.planned.includes(true)) return
  if (!wasPlanned) state.plannedFromMs = atMs
  state.plannedUntilMs = atMs
}

export const isMaintained = (state: MaintenanceState, cell: number, nowMs: number): boolean =>
  state.planned[cell]! || state.markedUntilMs[cell]! > nowMs

/** Whether anything is under way now, or a window was at some time between the two. */
export function wasMaintained(
  state: MaintenanceState,
  span: { readonly fromMs: number; readonly untilMs: number },
  nowMs: number,
): boolean {
  if (state.planned.includes(true) || state.markedUntilMs.some((untilMs) => untilMs > nowMs)) return true
  const { plannedFromMs, plannedUntilMs } = state
  if (plannedFromMs === null || plannedUntilMs === null) return false
  return plannedFromMs <= span.untilMs && plannedUntilMs >= span.fromMs
}

/** Whether what is said of these features and regions (none named: all) is said of the cell. */
export function concernsCell(
  shape: Shape,
  { featureIds, regions }: Pick<MaintenanceWindow, 'featureIds' | 'regions'>,
  cell: number,
): boolean {
  const feature = shape.model.features[Math.floor(cell / shape.regions)]!.id
  const region = shape.model.regions[cell % shape.regions]!
  return (
    (featureIds.length === 0 || featureIds.includes(feature)) &&
    (regions.length === 0 || regions.includes(region))
  )
}
