/** Ids as Statuspage's clients expect them: 12 lower-case letters and digits. */
import { hash, randomBytes } from 'node:crypto'
import { createRecentMap } from '../../kit/bounded/recent-map.ts'

/** What every id of the watch looks like; what looks otherwise is not put into a path or a page. */
export const ID_SHAPE = /^[a-z0-9]{12}$/

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const BASE = ALPHABET.length
const LENGTH = 12
const BYTES_PER_ID = 8
const POOL_BYTES = 512 * BYTES_PER_ID

/** Makes a maker of ids at random, of 62 bits. Bytes are asked for in bulk: singly they cost more than all the rest of an id. */
export function createRandomIds(bytes: (count: number) => Buffer = randomBytes): () => string {
  let pool: Buffer = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at === pool.length) {
      pool = bytes(POOL_BYTES)
      at = 0
    }
    at += BYTES_PER_ID
    return spell(pool, at - BYTES_PER_ID)
  }
}

/** The same for ever for the same text: two watches give a component or an outage the same id. */
export const stableId = (text: string): string => spell(hash('sha256', text, 'buffer'))

/** Twice what a service's file may have. */
const COMPONENTS_KEPT = 40_000
const componentIds = createRecentMap<string, string>(COMPONENTS_KEPT)

/** A component's id. Kept once it was worked out: each view of ten thousand components needs all of theirs. */
export function componentId(serviceId: string, featureId: string): string {
  const text = `component/${serviceId}/${featureId}`
  let id = componentIds.get(text)
  if (id === undefined) componentIds.set(text, (id = stableId(text)))
  return id
}

/** The id of the incident that tells of a detector's outage. */
export const incidentIdOf = (outageId: string): string => stableId(`incident/${outageId}`)

/** Eight bytes as a number to the base of 36, its lowest digit first. */
function spell(bytes: Buffer, at = 0): string {
  let high = bytes.readUInt32BE(at)
  let low = bytes.readUInt32BE(at + 4)
  let text = ''
  for (let i = 0; i < LENGTH; i++) {
    // By hand: the same in BigInt takes ten times as long.
    const rest = (high % BASE) * 2 ** 32 + low
    text += ALPHABET[rest % BASE]
    high = Math.floor(high / BASE)
    low = Math.floor(rest / BASE)
  }
  return text
}
