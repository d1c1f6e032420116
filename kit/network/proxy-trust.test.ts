import { expect, test } from 'vitest'
import { createProxyTrust, isAddressOrNetwork } from './proxy-trust.ts'

test('addresses, networks and names of networks are trusted, others are not, however often they ask', () => {
  const trust = createProxyTrust(['10.0.0.0/8', '203.0.113.7', 'fd00::/8', 'loopback'])
  expect(trust).not.toBe(false)
  if (!trust) return
  for (const _ of [1, 2]) {
    for (const proxy of ['10.1.2.3', '203.0.113.7', 'fd00::1', '127.0.0.1', '::1', '::ffff:10.1.2.3'])
      expect(trust(proxy), proxy).toBe(true)
    for (const other of ['11.0.0.1', '203.0.113.8', '2001:db8::1', '::ffff:11.0.0.1'])
      expect(trust(other), other).toBe(false)
  }
})

test('an address that was forgotten is found again', () => {
  const trust = createProxyTrust(['192.0.2.1'])
  if (!trust) throw new Error('there is a proxy')
  for (let n = 0; n < 3_000; n++) trust(`10.0.${n >> 8}.${n & 255}`)
  expect([trust('192.0.2.1'), trust('10.0.0.0')]).toEqual([true, false])
})

test('without proxies nobody’s word counts, and what is no address is refused', () => {
  expect(createProxyTrust([])).toBe(false)
  expect(() => createProxyTrust(['nginx'])).toThrow(TypeError)
  expect(['nginx', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8'].map(isAddressOrNetwork)).toEqual(
    Array(4).fill(false),
  )
})
