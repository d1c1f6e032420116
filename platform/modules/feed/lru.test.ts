import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LruMap } from './lru.ts'

test('it holds no more than its size, never forgets the half used last, and never invents', () => {
  const step = fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.integer({ min: 0, max: 30 }))
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 16 }), fc.array(step, { maxLength: 200 }), (max, steps) => {
      const map = new LruMap<number, string>(max)
      // A deleted entry leaves its place empty: it was used, too.
      let recent: (number | null)[] = []
      const touch = (key: number) => (recent = [key, ...recent.filter((other) => other !== key)])
      for (const [n, [what, key]] of steps.entries()) {
        if (what === 'set') {
          map.set(key, `${key}`)
          touch(key)
        } else if (what === 'delete') {
          map.delete(key)
          recent = recent.map((other) => (other === key ? null : other))
        } else if (map.get(key) !== undefined) touch(key)
        expect(map.size, `step ${n}`).toBeLessThanOrEqual(max)
        for (const kept of recent.slice(0, Math.floor(max / 2)))
          if (kept !== null) expect(map.peek(kept)).toBe(`${kept}`)
        for (const known of map.keys()) expect(map.peek(known)).toBe(`${known}`)
      }
    }),
  )
})
