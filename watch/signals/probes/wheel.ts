/** A ring of slots, one a tick: what is due is found without looking at what is not. */

export interface Wheel<Item> {
  add(item: Item): void
  /** Before `dueAtMs` changes. */
  remove(item: Item): void
  /** Takes out all that is due by now. */
  takeDue(nowMs: number): Item[]
}

/** An item that is due later than a round waits in its slot. */
const SLOTS = 2_048

/** Begins empty, at this time. */
export function createWheel<Item extends { readonly dueAtMs: number }>(options: {
  readonly tickMs: number
  readonly nowMs: number
}): Wheel<Item> {
  const { tickMs } = options
  const slots = Array.from({ length: SLOTS }, () => new Set<Item>())
  let tick = Math.floor(options.nowMs / tickMs)
  const slotOf = (item: Item) => slots[Math.ceil(item.dueAtMs / tickMs) % SLOTS]!
  return {
    add: (item) => void slotOf(item).add(item),
    remove: (item) => void slotOf(item).delete(item),
    takeDue(nowMs) {
      const due: Item[] = []
      const until = Math.floor(nowMs / tickMs)
      // After a long standstill one round over all slots is enough.
      tick = Math.max(tick, until - SLOTS)
      for (; tick <= until; tick++) {
        const slot = slots[tick % SLOTS]!
        for (const item of slot) {
          if (item.dueAtMs > nowMs) continue
          slot.delete(item)
          due.push(item)
        }
      }
      return due
    },
  }
}
