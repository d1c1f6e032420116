/** A shelf for tests: made at once, and read by the world's own process. */
import type { World } from '../../../tests/support/world.ts'
import { openShelfMaker, type ShelfMaker } from './shelf-maker.ts'
import { DEFAULT_SIZES, type StandbySizes } from './sizes.ts'

/** What may wait waits for ever. */
export const NEVER_AGAIN: Partial<StandbySizes> = { burstBytes: 1, writeBps: 0 }

export interface TestShelf extends AsyncDisposable {
  readonly maker: ShelfMaker
  /** Makes a shelf of now, and has the process read it. */
  fill(): Promise<void>
}

export function openTestShelf(world: World, sizes: Partial<StandbySizes> = {}): TestShelf {
  const maker = openShelfMaker(world.ctx, { ...DEFAULT_SIZES, burstBytes: Infinity, ...sizes })
  return {
    maker,
    async fill() {
      await maker.makeOnce()
      await world.ctx.standby.refresh()
    },
    [Symbol.asyncDispose]: () => maker[Symbol.asyncDispose](),
  }
}
