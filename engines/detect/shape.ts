/** A service's features and regions as rows and columns, so that every sample finds its cell in O(1). */
import type { ServiceModel } from './types.ts'

/** Everything that the detector counts falls into bins of this length. */
export const BIN_MS = 10_000

export interface Shape {
  readonly model: ServiceModel
  readonly features: number
  readonly regions: number
  /** With one more row and column, for what names no feature or no region. */
  readonly rows: number
  readonly columns: number
  readonly rowOf: ReadonlyMap<string, number>
  readonly columnOf: ReadonlyMap<string, number>
  /** Milliseconds east of UTC per column; the nameless one lives by the mean of the others. */
  readonly offsetMs: readonly number[]
}

export function createShape(model: ServiceModel): Shape {
  const offsets = model.regions.map((region) => (model.utcOffsetMinutes?.[region] ?? 0) * 60_000)
  const mean = offsets.reduce((sum, each) => sum + each, 0) / Math.max(offsets.length, 1)
  return {
    model,
    features: model.features.length,
    regions: model.regions.length,
    rows: model.features.length + 1,
    columns: model.regions.length + 1,
    rowOf: new Map(model.features.map((feature, row) => [feature.id, row])),
    columnOf: new Map(model.regions.map((region, column) => [region, column])),
    offsetMs: [...offsets, mean],
  }
}

/** Names that the model doesn't know count as unnamed: a client may be newer than the configuration. */
export const rowFor = (shape: Shape, featureId: string | null): number =>
  (featureId === null ? undefined : shape.rowOf.get(featureId)) ?? shape.features

export const columnFor = (shape: Shape, region: string | null): number =>
  (region === null ? undefined : shape.columnOf.get(region)) ?? shape.regions

/** Index of a cell among features × regions, without the nameless row and column. */
export const cellOf = (shape: Shape, row: number, column: number): number => row * shape.regions + column
