/** A reaction of the person and its count, as the person sees them: what waits to be sent counts already. */

export interface Reaction {
  readonly isOn: boolean
  /** Null while it is not known. */
  readonly count: number | null
}

/** What the card says of a reaction, made to agree with the one that waits; `wish` is null when none waits. */
export function withWish(card: Reaction, wish: boolean | null): Reaction {
  if (wish === null || wish === card.isOn) return card
  const count = card.count === null ? null : Math.max(0, card.count + (wish ? 1 : -1))
  return { isOn: wish, count }
}
