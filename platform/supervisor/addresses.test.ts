import type { NetworkInterfaceInfo } from 'node:os'
import { expect, test } from 'vitest'
import { describeReach, localUrlOf } from './addresses.ts'

const address = (address: string, family: 'IPv4' | 'IPv6', internal: boolean) =>
  ({ address, family, internal }) as NetworkInterfaceInfo
const interfaces = {
  lo: [address('127.0.0.1', 'IPv4', true)],
  eth0: [address('fe80::1', 'IPv6', false), address('192.168.1.7', 'IPv4', false)],
}

test.each([
  ['0.0.0.0', 'http://localhost:8080'],
  ['127.0.0.1', 'http://localhost:8080'],
  ['::', 'http://localhost:8080'],
  ['192.168.1.7', 'http://192.168.1.7:8080'],
  ['fd00::7', 'http://[fd00::7]:8080'],
])('what listens on %s is reached from this machine at %s', (host, url) => {
  expect(localUrlOf(host, 8080)).toBe(url)
})

test('listening everywhere is said, with the address for others and the way to keep it to oneself', () => {
  expect(describeReach('0.0.0.0', 8080, interfaces)).toMatch(
    /all addresses.*http:\/\/192\.168\.1\.7:8080.*--host 127\.0\.0\.1/,
  )
  expect(describeReach('::', 8080, {})).toContain('all addresses')
})

test('an address that others reach is said; one of this machine alone is not', () => {
  expect(describeReach('192.168.1.7', 8080, interfaces)).toContain('http://192.168.1.7:8080')
  for (const host of ['127.0.0.1', 'localhost', '::1'])
    expect(describeReach(host, 8080, interfaces)).toBeNull()
})
