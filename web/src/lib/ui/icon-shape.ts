/** What an icon is drawn from: strokes on a 24 × 24 grid, round ends. */

export interface IconShape {
  readonly lines: readonly string[]
  readonly dots?: readonly string[]
  readonly canFill?: boolean
}

/** A filled circle. */
export function dot(x: number, y: number, r: number): string {
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`
}

/** A circle's outline. */
export function ring(x: number, y: number, r: number): string {
  return dot(x, y, r)
}
