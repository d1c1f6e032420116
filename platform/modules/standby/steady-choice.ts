/** Which videos are kept, chosen so that the choice seldom changes: at its margin it does not matter who is in. */

/** The choice stays while it has this part of each list, from its beginning. */
const MUST_HAVE = 0.75

export interface SteadyChoice {
  /**
   * What is on the lists, and of `others` the first, as many as there is room for; what was chosen before, when that has what
   * matters and as many.
   */
  choose(lists: readonly (readonly string[])[], others: readonly string[]): readonly string[]
}

export function createSteadyChoice(size: number): SteadyChoice {
  let chosen: ReadonlySet<string> = new Set()
  return {
    choose(lists, others) {
      const heads = lists.flatMap((list) => list.slice(0, Math.ceil(list.length * MUST_HAVE)))
      const known = new Set([...heads, ...lists.flat(), ...others])
      const most = [...known].slice(0, size)
      const still = [...chosen].filter((id) => known.has(id))
      const hasHeads = most.slice(0, new Set(heads).size).every((id) => chosen.has(id))
      if (still.length < most.length || !hasHeads) chosen = new Set(most)
      return [...chosen]
    },
  }
}
