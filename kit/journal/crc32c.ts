/** CRC-32C (Castagnoli, as RFC 3720, appendix B.4 has it): finds every error burst of up to 32 bits. */
const POLYNOMIAL_REVERSED = 0x82f6_3b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL_REVERSED : value >>> 1
  return value >>> 0
})

/** The checksum of these bytes; `before` is that of the bytes that come before them. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
