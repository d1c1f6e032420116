import { expect, test } from 'vitest'
import { listOf, textOf } from './xml.ts'

const inside = (xml: string, name: string) => [...listOf(xml, name)]

test('elements are found by their whole name, with attributes or without', () => {
  const xml =
    '<R xmlns="x"><Key>a</Key><KeyMarker>m</KeyMarker><Key n="1">b &amp; &#x41;</Key><Key></Key></R>'
  expect(inside(xml, 'Key')).toEqual(['a', 'b &amp; &#x41;', ''])
  expect([textOf(xml, 'KeyMarker'), textOf(xml, 'R') === null, textOf(xml, 'Ke')]).toEqual(['m', false, null])
  expect(textOf('<Key>b &amp; &#x41;&#66;</Key>', 'Key')).toBe('b & AB')
})

test('what is no character is shown as one that is missing', () => {
  expect(textOf('<Key>&#x110000;&#99999999999999999999;</Key>', 'Key')).toBe('\ufffd\ufffd')
})

test.each(['<Key>', '<Key ', '<Key', '<Key\n>a</Kez>'])(
  'a great many of %j without an end hold no elements',
  (piece) => {
    expect(inside(piece.repeat(200_000), 'Key')).toEqual([])
  },
)
