import { expect, test } from 'vitest'
import { createNetworkMap, prefixesOf, readNetwork } from './prefixes.ts'

test('addresses count by their line and by their site', () => {
  expect(prefixesOf('192.0.2.77')).toEqual({ line: '192.0.2.77', site: '192.0.2.0/24' })
  expect(prefixesOf('::ffff:192.0.2.77')).toEqual({ line: '192.0.2.77', site: '192.0.2.0/24' })
  expect(prefixesOf('2001:db8:1:2:3:4:5:6')).toEqual({ line: '2001:db8:1:2::/64', site: '2001:db8:1::/48' })
  expect(prefixesOf('::1')).toEqual({ line: '0:0:0:0::/64', site: '0:0:0::/48' })
})

test.each([
  ['192.0.2.77', '192.0.2.77'],
  ['192.0.2.77/24', '192.0.2.0/24'],
  ['192.0.2.77/0', '0.0.0.0/0'],
  ['255.255.255.255/31', '255.255.255.254/31'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:1:2:3::/48', '2001:db8:1::/48'],
  ['::', '::'],
  ['::/0', '::/0'],
  ['1::/16', '1::/16'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
])('%s is %s', (text, canonical) => {
  expect(readNetwork(text)?.text).toBe(canonical)
})

test.each([
  '',
  '192.0.2',
  '192.0.2.1/33',
  '2001:db8::/129',
  '192.0.2.1/x',
  'fe80::1%eth0',
  '1.2.3.4/8/8',
  'all',
])('%j is no network', (text) => expect(readNetwork(text)).toBeNull())

test('the smallest network that an address lies in speaks for it', () => {
  const map = createNetworkMap<string>()
  map.set('192.0.2.0/24', 'site')
  map.set('192.0.2.7', 'line')
  map.set('2001:db8::/32', 'provider')
  expect(map.find('192.0.2.7')).toBe('line')
  expect(map.find('::ffff:192.0.2.8')).toBe('site')
  expect(map.find('192.0.3.7')).toBeUndefined()
  expect(map.find('2001:db8:ffff::1')).toBe('provider')
  expect(map.find('2001:db9::1')).toBeUndefined()
  expect(map.delete('192.0.2.99/24')).toBe(true)
  expect(map.find('192.0.2.8')).toBeUndefined()
  expect(map.find('192.0.2.7')).toBe('line')
  expect(map.size).toBe(2)
})
