/** Record keys of AT Protocol (atproto.com/specs/tid): 53 bits of microseconds and 10 bits that tell clocks apart. */
import { createHash } from 'node:crypto'

const DIGITS = '234567abcdefghijklmnopqrstuvwxyz'
const LENGTH = 13
const CLOCK_BITS = 10n

/** The same for the same instant and seed, so that a post that is sent again has the same address. */
export function tidOf(atMs: number, seed: string): string {
  const hash = createHash('sha256').update(seed).digest()
  const microseconds = BigInt(atMs) * 1000n + BigInt(hash.readUInt16BE(0) % 1000)
  let rest = (microseconds << CLOCK_BITS) | BigInt(hash.readUInt16BE(2) % 1024)
  let tid = ''
  for (let i = 0; i < LENGTH; i++) {
    tid = DIGITS[Number(rest & 31n)]! + tid
    rest >>= 5n
  }
  return tid
}
