/** Ids as Statuspage's clients expect them: 12 lower-case letters and digits. */
import { createHash, randomBytes } from 'node:crypto'

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789'
const LENGTH = 12

/** One at random: 62 bits. */
export const randomId = (bytes: (count: number) => Buffer = randomBytes): string => spell(bytes(16))

/** The same for ever for the same text: two watches give a component or an outage the same id. */
export const stableId = (text: string): string => spell(createHash('sha256').update(text).digest())

/** A component's id. */
export const componentId = (serviceId: string, featureId: string): string =>
  stableId(`component/${serviceId}/${featureId}`)

/** The id of the incident that tells of a detector's outage. */
export const incidentIdOf = (outageId: string): string => stableId(`incident/${outageId}`)

function spell(bytes: Buffer): string {
  let value = bytes.readBigUInt64BE(0)
  let text = ''
  for (let i = 0; i < LENGTH; i++) {
    text += ALPHABET[Number(value % 36n)]
    value /= 36n
  }
  return text
}
