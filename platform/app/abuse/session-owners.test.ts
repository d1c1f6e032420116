import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createSessionOwners, OWNERS_BYTES } from './session-owners.ts'

test('all sessions of an account count as it, an unknown one by itself', () => {
  const owners = createSessionOwners(() => false)
  owners.remember('phone', 'anna')
  owners.remember('laptop', 'anna')
  expect(['phone', 'laptop', 'new'].map((token) => owners.countedAs(token))).toEqual(['anna', 'anna', 'new'])
})

test('a session that was ended spends nothing of its owner', () => {
  const ended = new Set<string>()
  const owners = createSessionOwners((token) => ended.has(token))
  owners.remember('stolen', 'anna')
  ended.add('stolen')
  expect(owners.countedAs('stolen')).toBe('stolen')
})

test('however many sessions there are, and however long their cookies, it takes no more memory than is said', () => {
  const owners = createSessionOwners(() => false)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  for (let at = 0; at < 100_000; at++) {
    const header = `upbeat.session=${String(at).padStart(43, 'x')}.mac; other=${'y'.repeat(500)}${at}`
    owners.remember(
      header.slice(15, 58),
      `0199aaaa-bbbb-7ccc-8ddd-${String(at).padStart(12, '0')}`.split('').join(''),
    )
  }
  collect()
  const tookBytes = process.memoryUsage().heapUsed - before
  expect(owners.countedAs(String(99_999).padStart(43, 'x'))).toContain('0199aaaa')
  expect(tookBytes).toBeGreaterThan(OWNERS_BYTES / 4)
  expect(tookBytes).toBeLessThanOrEqual(OWNERS_BYTES)
})
