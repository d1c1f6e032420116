/** Seeded random numbers and the distributions that the simulator draws from. For simulations, never for secrets. */
export interface Random {
  /** Uniform in [0, 1). */
  readonly uniform: () => number
  readonly between: (low: number, high: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(items: readonly T[]) => T
  /** By weights. */
  readonly pickWeighted: <T>(items: readonly (readonly [T, number])[]) => T
  readonly normal: () => number
  readonly poisson: (mean: number) => number
  /** Mean 1, relative variance 1 / shape. */
  readonly gamma: (shape: number) => number
  readonly logNormal: (median: number, spread: number) => number
  readonly subset: <T>(items: readonly T[], size: number) => T[]
  /** A stream of its own, that what is drawn elsewhere doesn't shift. */
  readonly fork: (name: string) => Random
}

/** Mulberry32 on a hashed seed: the same numbers for the same seed. */
export function createSeededRandom(seed: number): Random {
  let state = seed | 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let hash = Math.imul(state ^ (state >>> 15), 1 | state)
    hash = (hash + Math.imul(hash ^ (hash >>> 7), 61 | hash)) ^ hash
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32
  }
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const pick = <T>(items: readonly T[]): T => items[Math.floor(uniform() * items.length)]!
  return {
    uniform,
    normal,
    pick,
    between: (low, high) => low + (high - low) * uniform(),
    chance: (probability) => uniform() < probability,
    pickWeighted<T>(items: readonly (readonly [T, number])[]): T {
      let left = uniform() * items.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [item, weight] of items) if ((left -= weight) < 0) return item
      return items.at(-1)![0]
    },
    poisson: (mean) => poisson(mean, uniform, normal),
    gamma: (shape) => gamma(shape, uniform, normal) / shape,
    logNormal: (median, spread) => median * Math.exp(spread * normal()),
    subset<T>(items: readonly T[], size: number): T[] {
      const left = [...items]
      const taken: T[] = []
      while (taken.length < size && left.length > 0)
        taken.push(...left.splice(Math.floor(uniform() * left.length), 1))
      return items.filter((item) => taken.includes(item))
    },
    fork: (name) => createSeededRandom(hashName(name, seed)),
  }
}

function hashName(name: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  return hash
}

function poisson(mean: number, uniform: () => number, normal: () => number): number {
  if (!(mean > 0)) return 0
  // Beyond this the normal approximation is closer than the simulation has to be.
  if (mean > 60) return Math.max(Math.round(mean + Math.sqrt(mean) * normal()), 0)
  const limit = Math.exp(-mean)
  let [count, product] = [0, uniform()]
  while (product > limit) {
    count++
    product *= uniform()
  }
  return count
}

/** Marsaglia and Tsang (2000). */
function gamma(shape: number, uniform: () => number, normal: () => number): number {
  if (shape < 1) return gamma(shape + 1, uniform, normal) * Math.pow(1 - uniform(), 1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const z = normal()
    const v = (1 + c * z) ** 3
    if (v > 0 && Math.log(1 - uniform()) < (z * z) / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}
