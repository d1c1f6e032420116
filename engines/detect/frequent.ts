/** The most frequent names in a stream, in bounded memory (Space-Saving: Metwally, Agrawal, El Abbadi 2005), with decay. */
export interface Frequent {
  readonly counts: Map<string, number>
  total: number
}

const NAMES_MAX = 12
const FORGET_BELOW = 0.01

export const createFrequent = (): Frequent => ({ counts: new Map(), total: 0 })

export function addName(frequent: Frequent, name: string, count: number): void {
  frequent.total += count
  const known = frequent.counts.get(name)
  if (known !== undefined || frequent.counts.size < NAMES_MAX) {
    frequent.counts.set(name, (known ?? 0) + count)
    return
  }
  let [least, leastCount] = ['', Infinity]
  for (const [each, n] of frequent.counts) if (n < leastCount) [least, leastCount] = [each, n]
  frequent.counts.delete(least)
  frequent.counts.set(name, leastCount + count)
}

export function fadeNames(frequent: Frequent, kept: number): void {
  if (frequent.total === 0) return
  frequent.total *= kept
  for (const [name, count] of frequent.counts) {
    if (count * kept < FORGET_BELOW) frequent.counts.delete(name)
    else frequent.counts.set(name, count * kept)
  }
  if (frequent.counts.size === 0) frequent.total = 0
}

export const shareOf = (frequent: Frequent, name: string): number =>
  frequent.total > 0 ? (frequent.counts.get(name) ?? 0) / frequent.total : 0

/** The most frequent name and its share; null while nothing was counted. */
export function topOf(frequent: Frequent): { name: string; share: number } | null {
  let top: string | null = null
  for (const [name, count] of frequent.counts) {
    if (top === null || count > frequent.counts.get(top)!) top = name
  }
  return top === null ? null : { name: top, share: shareOf(frequent, top) }
}
