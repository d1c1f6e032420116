import { expect, test } from 'vitest'
import { createSplit, type Arm } from './split.ts'

const clients = Array.from({ length: 10_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`)
const split = (salt: string, share: number, isShared = (_address: string) => false) => {
  const made = createSplit({ salt, isShared })
  made.setShare(share)
  return made
}
const shareOf = (arms: readonly Arm[], arm: Arm) => arms.filter((one) => one === arm).length / arms.length

test.for([0, 0.05, 0.25, 0.5, 1])(
  'of many clients a share of %s meets the new code, and as many the baseline',
  (share) => {
    const arms = clients.map(split('one', share).armOf)

    expect(shareOf(arms, 'canary')).toBeCloseTo(share, 1)
    expect(shareOf(arms, 'baseline')).toBeCloseTo(Math.min(share, 1 - share), 1)
  },
)

test('a client stays on its side, and who is with the new code stays there as its share grows', () => {
  const small = split('one', 0.05)
  const large = split('one', 0.25)

  for (const client of clients) {
    expect(small.armOf(client)).toBe(small.armOf(client))
    if (small.armOf(client) === 'canary') expect(large.armOf(client)).toBe('canary')
  }
})

test('one line of IPv6 is one client, and another release deals clients out anew', () => {
  const half = split('one', 0.5)
  expect(half.armOf('2001:db8:1:2::1')).toBe(half.armOf('2001:db8:1:2:aaaa::9'))

  const canaries = (salt: string) => clients.filter((client) => split(salt, 0.05).armOf(client) === 'canary')
  const before = new Set(canaries('one'))
  expect(canaries('two').filter((client) => before.has(client)).length / before.size).toBeLessThan(0.15)
})

test('connections by an address that many share are dealt out evenly', () => {
  const made = split('one', 0.05, () => true)
  const arms = Array.from({ length: 400 }, () => made.armOf('127.0.0.1'))

  expect(arms.filter((arm) => arm === 'canary')).toHaveLength(20)
})
