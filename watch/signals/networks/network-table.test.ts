import { expect, test } from 'vitest'
import { createLog } from '../../../kit/log.ts'
import { isPublicAddress } from '../../../kit/network/public-address.ts'
import { addressToNumber } from './address-number.ts'
import { openNetworkTable } from './index.ts'

const table = openNetworkTable(createLog({ level: 'silent', base: {} }))

test('well-known addresses are where everybody knows them to be', async () => {
  expect(await table.find('8.8.8.8')).toMatchObject({ asn: 15169, network: expect.stringMatching(/google/i) })
  expect(await table.find('::ffff:8.8.8.8')).toMatchObject({ asn: 15169 })
  expect(await table.find('2606:4700:4700::1111')).toMatchObject({ asn: 13335 })
  // The RIPE NCC's own.
  expect(await table.find('193.0.6.139')).toMatchObject({ country: 'NL', asn: 3333 })
})

test('addresses that are nobody’s are nowhere', async () => {
  for (const address of ['127.0.0.1', '10.0.0.1', 'fe80::1', '::1', 'no address', ''])
    expect(await table.find(address)).toEqual({ country: null, asn: null, network: null })
})

test('no range of the table reaches into what is reserved', async () => {
  const reserved = [
    '0',
    '10',
    '100.64',
    '127',
    '169.254',
    '172.16',
    '172.31',
    '192.0.0',
    '192.0.2',
    '192.168',
  ]
    .concat(['198.18', '198.51.100', '203.0.113', '224', '239', '240', '255'])
    .flatMap((begin) => ['0', '77', '255'].map((part) => `${begin}${`.${part}`.repeat(4)}`))
    .map((address) => address.split('.').slice(0, 4).join('.'))
    .concat(['::7f00:1', 'fc00::1', 'fdff::1', 'febf::1', 'ff02::1', '2001:db8::1', '3fff::1', '5f00::1'])
  for (const address of reserved)
    expect(await table.find(address), address).toEqual({ country: null, asn: null, network: null })
})

test('at least 95 of 100 sampled public addresses have a country', async () => {
  let [asked, found] = [0, 0]
  // Evenly over all of IPv4, by a step that is coprime to its size.
  for (let at = 1; asked < 4_000; at = (at + 2_654_435_761) % 2 ** 32) {
    const address = [24, 16, 8, 0].map((shift) => Math.floor(at / 2 ** shift) % 256).join('.')
    // What is routed at all: people come from nowhere else.
    if (!isPublicAddress(address)) continue
    const place = await table.find(address)
    if (place.asn === null) continue
    asked++
    if (place.country !== null) found++
  }
  expect(found / asked).toBeGreaterThanOrEqual(0.95)
})

test('an address becomes the number that ranges are sorted by', () => {
  expect(addressToNumber('1.2.3.4', 4)).toBe(16_909_060)
  expect(addressToNumber('2001:db8::1', 6)).toBe(0x20010db800000000n)
  expect(addressToNumber('::', 6)).toBe(0n)
  expect(addressToNumber('1:2:3:4:5:6:7:8', 6)).toBe(0x0001000200030004n)
  expect(addressToNumber('64:ff9b::1.2.3.4', 6)).toBe(0x0064ff9b00000000n)
})
