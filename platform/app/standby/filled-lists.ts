/** Cards and lists put together: cards with their counts, and lists of these cards. */
import type { ListReason } from './format.ts'
import type { CardsShelf, ListedVideo, ListsShelf, StandbyCard } from './shelves.ts'

export interface StandbyEntry {
  readonly card: StandbyCard
  readonly reason: ListReason
}

export interface FilledLists {
  /** Whether `top` has every video that everyone may see. */
  readonly isWhole: boolean
  readonly top: readonly StandbyEntry[]
  /** By tag; each goes on with `top`. */
  readonly cohorts: ReadonlyMap<string, readonly StandbyEntry[]>
  readonly cards: ReadonlyMap<string, StandbyCard>
}

/** Each of the two is a file of its own: what one has and the other has not yet is left out. */
export function fillLists(bare: CardsShelf, lists: ListsShelf): FilledLists {
  const cards = new Map<string, StandbyCard>()
  for (const card of bare.cards.values()) {
    const json = Buffer.concat([card.json, Buffer.from(`,"counts":${lists.countsJson(card.id)}`)])
    cards.set(card.id, { ...card, json })
  }
  const entriesOf = (listed: readonly ListedVideo[]): StandbyEntry[] =>
    listed.flatMap(({ id, reason }) => {
      const card = cards.get(id)
      return card ? [{ card, reason }] : []
    })
  const top = entriesOf(lists.top)
  /** Whoever comes to the end of their own list goes on with the one for all. */
  const withTop = (own: readonly StandbyEntry[]): StandbyEntry[] => {
    const ids = new Set(own.map(({ card }) => card.id))
    return [...own, ...top.filter(({ card }) => !ids.has(card.id))]
  }
  return {
    isWhole: lists.isWhole && top.length === lists.top.length,
    top,
    cohorts: new Map([...lists.cohorts].map(([tag, listed]) => [tag, withTop(entriesOf(listed))])),
    cards,
  }
}
