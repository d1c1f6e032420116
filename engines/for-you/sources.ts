/** Where candidates come from. */
import type { CandidateSource } from './types.ts'

/** What does best with everybody, and what came in a moment ago. */
export const hot: CandidateSource = ({ pool, wanted, propose }) => {
  let found = 0
  for (const slot of pool.hotSlots) {
    if (found >= wanted) break
    if (propose(slot)) found += 1
  }
  for (const slot of pool.slotsSinceRefresh) propose(slot)
}

/** What the viewer's authors made. */
export const ofAuthors: CandidateSource = ({ pool, taste, propose }) => {
  for (const author of taste.authors) for (const slot of pool.slotsOfAuthor(author)) propose(slot)
}

/** What has the viewer's tags. */
export const withTags: CandidateSource = ({ pool, taste, propose }) => {
  for (const tag of taste.tags) for (const slot of pool.slotsWithTag(tag)) propose(slot)
}

/** New videos that hardly anybody has watched, drawn without favour, for the positions reserved for them. */
export const newcomers: CandidateSource = ({ pool, wanted, random, proposeNewcomer }) => {
  const drawn = pool.scratch.newcomers
  const count = pool.copyNewcomers(drawn)
  let found = 0
  for (let at = 0; at < count && found < wanted; at++) {
    const other = at + Math.floor(random() * (count - at))
    const slot = drawn[other]!
    drawn[other] = drawn[at]!
    if (proposeNewcomer(slot)) found += 1
  }
}

/** Everything, when the other sources don't have enough: a feed ends only with its catalogue. */
export const wholePool: CandidateSource = ({ pool, propose }) => {
  const { author } = pool.columns
  for (let slot = 0; slot < pool.slotSpan; slot++) if (author[slot]! >= 0) propose(slot)
}
