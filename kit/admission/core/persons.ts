/** Which rank a person has this hour: the same in every request, another one next hour, so that nobody stays last. */
import { RANK_COUNT } from './types.ts'

const HOUR_MS = 3_600_000

/** The rank of a person in the hour of `nowMs` (wall clock); see `personKeyOf`. */
export const rankOf = (person: string, salt: number, nowMs: number): number =>
  personKeyOf(person, salt, nowMs) % RANK_COUNT

/**
 * What a person is known by at the gate, in the hour of `nowMs` (wall clock): 32 bits, of which the rank follows.
 *
 * @param salt kept from clients, or they look for names of a low rank; the same in all processes, or a person is in here
 *   and out there.
 */
export function personKeyOf(person: string, salt: number, nowMs: number): number {
  // FNV-1a over the text, then the finaliser of MurmurHash3, which spreads what differs in few bits.
  let hash = 0x811c9dc5 ^ salt ^ Math.imul(Math.floor(nowMs / HOUR_MS), 0x9e3779b1)
  for (let i = 0; i < person.length; i++) hash = Math.imul(hash ^ person.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
