/** An address as the number that range tables are sorted by. */

/** IPv4: its 32 bits; IPv6: its upper 64. */
export function addressToNumber(address: string, family: 4 | 6): number | bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const [head, tail] = address.split('::') as [string, string?]
  const words = (text: string | undefined) => (text ?? '').split(':').filter(Boolean)
  const before = words(head)
  const after = words(tail)
  // A dotted end takes the place of two words, all of them in the lower half.
  const length = before.length + after.length + (address.includes('.') ? 1 : 0)
  const all = tail === undefined ? before : [...before, ...Array<string>(8 - length).fill('0'), ...after]
  return all.slice(0, 4).reduce((sum, word) => (sum << 16n) | BigInt(Number.parseInt(word, 16)), 0n)
}
