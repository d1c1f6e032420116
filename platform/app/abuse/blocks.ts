/** What operators keep out, as this process was told by its supervisor, and what they have served again. */
import { createNetworkMap, type NetworkMap } from '../../../kit/network/prefixes.ts'

export interface Blocks {
  readonly map: Pick<NetworkMap<true>, 'find'>
  /** All of them: what is not named is no longer blocked. */
  set(blocks: readonly { readonly network: string }[]): void
  lift(key: string): void
  /** Calls with each key that is lifted. */
  onLift(handler: (key: string) => void): void
}

/** Nothing is blocked before the first `set`. */
export function createBlocks(): Blocks {
  let current = createNetworkMap<true>()
  const handlers: ((key: string) => void)[] = []
  return {
    map: { find: (address) => current.find(address) },
    set(blocks) {
      const next = createNetworkMap<true>()
      for (const { network } of blocks) next.set(network, true)
      current = next
    },
    lift(key) {
      for (const handler of handlers) handler(key)
    },
    onLift: (handler) => void handlers.push(handler),
  }
}
