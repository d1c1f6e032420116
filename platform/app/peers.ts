/** The other roles of this machine, as the supervisor tells of them. */
import type { RoleName } from '../../contract/operations.ts'

type AreUp = Readonly<Record<RoleName, boolean | null>>

export interface Peers {
  /** Whether it takes work; null: not known, or just being replaced by a new process. */
  isUp(role: RoleName): boolean | null
  /** Whether a new process just takes over from the old one. */
  isChanging(role: RoleName): boolean
  /** Waits while it does, for so long at most. */
  whenSettled(role: RoleName, timeoutMs: number): Promise<void>
  set(areUp: AreUp): void
}

/** Nothing is known before the first `set`. */
export function createPeers(): Peers {
  let areUp: AreUp | null = null
  const waiting = new Set<() => void>()
  // Without a supervisor, nobody ever tells.
  const isChanging = (role: RoleName) => areUp !== null && areUp[role] === null
  return {
    isUp: (role) => areUp?.[role] ?? null,
    isChanging,
    async whenSettled(role, timeoutMs) {
      if (!isChanging(role)) return
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => isChanging(role) || resolve()
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
