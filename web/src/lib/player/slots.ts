/**
 * Which of the few <video> elements shows which video of a feed.
 *
 * The element of an index never changes while the index is near: the one that leaves behind is the one that is needed
 * ahead. So at most one element changes its video per step.
 */
export const SLOT_COUNT = 3

/** The element that shows an index. */
export function slotOf(index: number): number {
  return index % SLOT_COUNT
}

/** For each element the index that it shows while `active` plays: the one before, itself, the one after. Null: none. */
export function indexesBySlot(active: number, count: number): (number | null)[] {
  const slots: (number | null)[] = Array.from({ length: SLOT_COUNT }, () => null)
  for (let index = Math.max(0, active - 1); index <= Math.min(count - 1, active + 1); index++)
    slots[slotOf(index)] = index
  return slots
}
