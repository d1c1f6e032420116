import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pickNode, rankNodes } from './pick-source.ts'

const NODES = Array.from({ length: 10 }, (_, n) => `shield-${n}`)
const KEYS = Array.from({ length: 20_000 }, (_, n) => `/media/${n}/g1/v540/${n % 7}.m4s`)
const idle = () => 0

test('a node lost moves its own keys and no other; one added takes only what becomes its own', () => {
  const before = new Map(KEYS.map((key) => [key, pickNode(NODES, key, idle)]))
  for (const nodes of [NODES.slice(1), [...NODES, 'shield-new']]) {
    const moved = KEYS.filter((key) => pickNode(nodes, key, idle) !== before.get(key))
    expect(moved.length / KEYS.length).toBeLessThanOrEqual(1.3 / NODES.length)
    for (const key of moved)
      expect([before.get(key), pickNode(nodes, key, idle)]).toContain(
        nodes.length < NODES.length ? NODES[0] : 'shield-new',
      )
  }
})

test('with one key 40 times as hot as the mean of the others the busiest node has at most 1.25 times the mean', () => {
  const loads = new Map<string, number>(NODES.map((node) => [node, 0]))
  const asked = KEYS.slice(0, 500).flatMap((key) => Array.from({ length: 4 }, () => key))
  const hot = Array.from({ length: 160 }, () => KEYS[0]!)
  const all = [...asked, ...hot].sort((a, b) => rankNodes(['a', 'b'], a + b)[0]!.localeCompare('b'))
  for (const key of all) {
    const node = pickNode(NODES, key, (name) => loads.get(name)!)
    loads.set(node, loads.get(node)! + 1)
  }
  const mean = all.length / NODES.length
  expect(Math.max(...loads.values()) / mean).toBeLessThanOrEqual(1.25)
})

test('whoever asks, in whatever order they name the nodes, ranks them alike', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }), fc.string(), (nodes, key) => {
      expect(rankNodes(nodes.toReversed(), key)).toEqual(rankNodes(nodes, key))
    }),
  )
})
