/** After a restart: what was not looked at since says nothing new, and what did not fail since is not worse than it was. */
import { rowFor, type Shape } from './shape.ts'
import type { OutageRecord, ServiceState } from './state.ts'
import type { Sample } from './types.ts'

export interface Restart {
  readonly atMs: number
  /** By row: a feature with checks of our own, and none of them has come in since. */
  readonly unchecked: boolean[]
  /** By row: nothing that came in since speaks against it. */
  readonly unaccused: boolean[]
}

/** All that has checks of its own waits for the first of them. */
export function beginAnew(state: ServiceState, shape: Shape, atMs: number): Restart {
  const checked = new Set([...state.probes.tracks.values()].flatMap(({ rows }) => rows))
  const rows = Array.from({ length: shape.features }, (_, row) => row)
  return { atMs, unchecked: rows.map((row) => checked.has(row)), unaccused: rows.map(() => true) }
}

/** Notes what a sample says of the time since the restart; late ones say nothing of it. */
export function noteSince(restart: Restart | null, shape: Shape, sample: Sample): void {
  if (restart === null || sample.atMs < restart.atMs) return
  if (sample.kind === 'probes') {
    if (sample.outcome === 'ok' || sample.outcome === 'failed')
      for (const id of sample.featureIds) noteRow(restart, rowFor(shape, id), sample.outcome === 'failed')
  } else if (sample.kind === 'reports') noteRow(restart, rowFor(shape, sample.featureId), true)
  else if (sample.kind === 'traffic' && sample.requests !== null)
    noteRow(restart, rowFor(shape, sample.featureId), true)
}

function noteRow({ unchecked, unaccused }: Restart, row: number, isAgainst: boolean): void {
  // What names no feature is about none.
  if (row >= unchecked.length) return
  unchecked[row] = false
  if (isAgainst) unaccused[row] = false
}

export const isUnchecked = ({ restart }: ServiceState, shape: Shape, cell: number): boolean =>
  restart?.unchecked[Math.floor(cell / shape.regions)] ?? false

/** Nothing of it was looked at since the restart. */
export const isOutageUnchecked = (service: ServiceState, shape: Shape, { cells }: OutageRecord): boolean =>
  cells.every((cell) => isUnchecked(service, shape, cell))

/** Nothing that came in since the restart speaks against any of it. */
export const isOutageUnaccused = (
  { restart }: ServiceState,
  shape: Shape,
  { cells }: OutageRecord,
): boolean => restart !== null && cells.every((cell) => restart.unaccused[Math.floor(cell / shape.regions)])
