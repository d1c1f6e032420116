/** The other roles of this machine, as the supervisor tells of them. */
import type { RoleName } from '../../contract/operations.ts'

type AreUp = Readonly<Record<RoleName, boolean | null>>

export interface Peers {
  /** Whether it takes work; null: not known, or just being replaced by a new process. */
  isUp(role: RoleName): boolean | null
  /** Waits while the role is being replaced, for so long at most. */
  whenKnown(role: RoleName, timeoutMs: number): Promise<void>
  set(areUp: AreUp): void
}

export function createPeers(): Peers {
  let areUp: AreUp | null = null
  const waiting = new Set<() => void>()
  return {
    isUp: (role) => areUp?.[role] ?? null,
    async whenKnown(role, timeoutMs) {
      // Without a supervisor, nobody ever tells.
      if (areUp === null || areUp[role] !== null) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => areUp?.[role] !== null && resolve()
      const timer = setTimeout(resolve, timeoutMs)
      waiting.add(look)
      await promise
      clearTimeout(timer)
      waiting.delete(look)
    },
    set(next) {
      areUp = next
      for (const look of waiting) look()
    },
  }
}
