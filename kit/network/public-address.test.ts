import { expect, test } from 'vitest'
import { isMetadataAddress, isPublicAddress } from './public-address.ts'

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '168.63.129.16',
  '::ffff:168.63.129.16',
  '::',
  '::1',
  'fe80::1%eth0',
  'fd00::1',
  'ff02::1',
  '::ffff:169.254.169.254',
  '::ffff:7f00:1',
  '::127.0.0.1',
  '64:ff9b::10.0.0.1',
  '2002:7f00:1::',
  '2001:db8::1',
  '64:ff9b:1::8.8.8.8',
  '::ffff:0:10.0.0.1',
  'fec0::1',
  '3fff::1',
  '5f00::1',
  '4000::1',
  'example.com',
  '',
])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false))

test.each([
  '1.1.1.1',
  '172.15.255.255',
  '172.32.0.0',
  '100.128.0.0',
  '2606:4700:4700::1111',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true))

test.each([
  '169.254.169.254',
  '169.254.0.1',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'fd20:ce::254',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '64:ff9b::169.254.169.254',
])('%s tells secrets', (address) => expect(isMetadataAddress(address)).toBe(true))

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '100.64.0.1',
  '::1',
  'fd00::1',
  '1.1.1.1',
  '168.63.129.17',
  'example.com',
])('%s tells none', (address) => expect(isMetadataAddress(address)).toBe(false))
