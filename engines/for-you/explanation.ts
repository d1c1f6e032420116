/** From the parts of a score to the one reason that is told. */
import { CHANCE_POINTS } from './ranker.ts'
import { REASON_CODES, type ReasonCode } from './types.ts'

/** By part: what is said when it weighs most. Chance is never a reason. */
const REASON_OF_PART: readonly ReasonCode[] = ['fresh', 'popular', 'following', 'author-liked', 'tag']
/** Personal parts have the word as soon as they could have moved the video at all. */
const PERSONAL_FROM = 2

/**
 * The reason for an item: the place it was given when it was given one, else its strongest personal part, else the
 * stronger of popularity and freshness. Returns an index into `REASON_CODES`.
 */
export function reasonOf(parts: Float32Array, place: 'earned' | 'reserved' | 'again'): number {
  if (place === 'again') return REASON_CODES.indexOf('again')
  let best = parts[1]! > parts[0]! ? 1 : 0
  let bestPersonal = CHANCE_POINTS
  for (let part = PERSONAL_FROM; part < REASON_OF_PART.length; part++) {
    if (parts[part]! <= bestPersonal) continue
    best = part
    bestPersonal = parts[part]!
  }
  if (place === 'reserved' && best < PERSONAL_FROM) return REASON_CODES.indexOf('new-voice')
  return REASON_CODES.indexOf(REASON_OF_PART[best]!)
}
