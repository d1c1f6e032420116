/** Everything that keeps connections out: the door itself, and the kernel before it where the operator wants that. */
import { randomBytes } from 'node:crypto'
import { systemClock } from '../../kit/clock.ts'
import type { LineStanding, Standing } from '../app/abuse/standings.ts'
import type { Config } from '../app/config.ts'
import { createDoorkeeper, type LinePenalty } from './doorkeeper.ts'
import type { KernelBlocks } from './kernel-blocks.ts'

export interface Keepers {
  readonly admits: (address: string | undefined) => boolean
  readonly isNeeded: (network: string) => boolean
  readonly standingOf: (address: string | undefined) => Standing
  noteStandings(standings: readonly LineStanding[]): void
  setBlocks(networks: readonly string[]): void
  penalise(penalties: readonly LinePenalty[]): void
  lift(line: string): void
  /** From here on the kernel does the same. */
  use(kernel: KernelBlocks): void
}

/** Begins with the door alone. */
export function createKeeper({ abuse, trustedProxies }: Config): Keepers {
  const seed = randomBytes(4).readUInt32LE()
  const door = createDoorkeeper({ abuse, trustedProxies, clock: systemClock, seed })
  let kernel: KernelBlocks | null = null
  return {
    admits: door.admits,
    isNeeded: door.isNeeded,
    standingOf: door.standingOf,
    noteStandings: door.noteStandings,
    setBlocks(networks) {
      door.setBlocks(networks)
      kernel?.setBlocks(networks)
    },
    penalise(penalties) {
      door.penalise(penalties)
      kernel?.penalise(penalties)
    },
    lift(line) {
      door.lift(line)
      kernel?.lift(line)
    },
    use(given) {
      kernel = given
    },
  }
}
