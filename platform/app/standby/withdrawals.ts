/**
 * What was taken out of people's sight lately, and what was given back: told to the disk before it is acknowledged, so that a
 * shelf made before it is not believed by whoever starts without the database.
 *
 * A withdrawal counts until the rules in use were read by a snapshot that has its transaction, or the end of it: what was
 * rolled back falls away in the same way. Clocks have no part in it.
 */
import { crc32 } from 'node:zlib'
import type { TxStamp } from '../../infra/db/index.ts'
import { GONE_KINDS, ID_BYTES, idBytes, idText, type GoneKind } from './format.ts'

export type Withdrawal = { readonly stamp: TxStamp } & (
  | { readonly kind: GoneKind | 'shown'; readonly videoId: string }
  | { readonly kind: 'blocked' | 'unblocked'; readonly accountId: string; readonly subjectId: string }
)

/** In files: new ones come last. */
const KINDS = [
  ...GONE_KINDS,
  'shown',
  'blocked',
  'unblocked',
] as const satisfies readonly Withdrawal['kind'][]

const STAMP_AT = 1
const IDS_AT = STAMP_AT + 16
const SUM_AT = IDS_AT + 2 * ID_BYTES
/** Kind, transaction, position, one or two ids, CRC-32 of these. */
export const WITHDRAWAL_BYTES = SUM_AT + 4

export function encodeWithdrawal(withdrawal: Withdrawal): Buffer {
  const { kind, stamp } = withdrawal
  const bytes = Buffer.alloc(WITHDRAWAL_BYTES)
  bytes[0] = KINDS.indexOf(kind) + 1
  bytes.writeBigUInt64BE(stamp.xid, STAMP_AT)
  bytes.writeBigUInt64BE(stamp.position, STAMP_AT + 8)
  const ids = 'videoId' in withdrawal ? [withdrawal.videoId] : [withdrawal.accountId, withdrawal.subjectId]
  for (const [place, id] of ids.entries()) idBytes(id).copy(bytes, IDS_AT + place * ID_BYTES)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, SUM_AT)), SUM_AT)
  return bytes
}

/** All that are whole. Half of one, where the power went or the disk was full, hides none of those after it. */
export function decodeWithdrawals(bytes: Buffer): Withdrawal[] {
  const found: Withdrawal[] = []
  for (let at = 0; at + WITHDRAWAL_BYTES <= bytes.length;) {
    const withdrawal = decodeOne(bytes.subarray(at, at + WITHDRAWAL_BYTES))
    if (withdrawal) found.push(withdrawal)
    at += withdrawal ? WITHDRAWAL_BYTES : 1
  }
  return found
}

function decodeOne(bytes: Buffer): Withdrawal | null {
  const kind = KINDS[bytes[0]! - 1]
  if (!kind || bytes.readUInt32BE(SUM_AT) !== crc32(bytes.subarray(0, SUM_AT))) return null
  const stamp = {
    xid: bytes.readBigUInt64BE(STAMP_AT),
    position: bytes.readBigUInt64BE(STAMP_AT + 8),
  }
  const [firstId, secondId] = [bytes.subarray(IDS_AT), bytes.subarray(IDS_AT + ID_BYTES)].map(idText)
  return kind === 'blocked' || kind === 'unblocked'
    ? { kind, stamp, accountId: firstId!, subjectId: secondId! }
    : { kind, stamp, videoId: firstId! }
}
