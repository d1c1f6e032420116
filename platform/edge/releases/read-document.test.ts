import { generateKeyPairSync, sign } from 'node:crypto'
import { expect, test } from 'vitest'
import { edgeDocument } from '../../../tests/support/edge-process.ts'
import { DocumentRefusedError, readDocument } from './read-document.ts'

const good = edgeDocument({ origins: [{ name: 'home', url: 'http://127.0.0.1:8080' }] })
const read = (document: unknown) => readDocument(JSON.stringify(document), null)

test('a document that fits is read as it is', () => {
  expect(read(good).document).toEqual(good)
})

test.each([
  ['no origin', { origins: [] }],
  ['an origin with a quote in its name', { origins: [{ name: 'home', url: `http://a'..b` }] }],
  ['an origin with a path', { origins: [{ name: 'home', url: 'http://127.0.0.1/x' }] }],
  ['a name that ends a directive', { name: 'edge; }' }],
  ['two sources of one name', { shields: [{ name: 'home', url: 'http://127.0.0.1:1' }] }],
  ['itself as its shield', { shields: [{ name: 'edge-one', url: 'http://127.0.0.1:1' }] }],
  ['a host that is more than a name', { hosts: ['a.example; return 200'] }],
  ['a field that nobody knows', { surprise: true }],
  ['a mirror without room', { limits: { ...good.limits, mirrorMaxBytes: 16 * 1024 ** 2 } }],
])('%s is refused', (_, change) => {
  expect(() => read({ ...good, ...change })).toThrow(DocumentRefusedError)
})

test('where signers are known only what one of them signed is taken', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const text = JSON.stringify(good)
  const signed = (of: string) =>
    JSON.stringify({ text: of, signature: sign(null, Buffer.from(text), privateKey).toString('base64') })
  expect(readDocument(signed(text), [publicKey]).document).toEqual(good)
  expect(() => readDocument(text, [publicKey])).toThrow('not signed')
  expect(() => readDocument(signed(text.replace('8080', '8081')), [publicKey])).toThrow(
    'None of the known keys',
  )
})
