import { stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { createFakeClock } from '../../../kit/clock.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import { standbyPath } from '../../app/standby/index.ts'
import { openShelfFile } from './shelf-file.ts'
import type { StandbySizes } from './sizes.ts'

/** A file of which each `put` says something new, and tells whether it was written. */
async function openChanging(
  sectionBytes: number,
  sizesFor: (fileBytes: number) => Pick<StandbySizes, 'writeBps' | 'burstBytes' | 'waitMaxMs'>,
) {
  const dir = await makeTemporaryDir()
  const clock = createFakeClock(new Date('2026-03-01T00:00:00Z'))
  const ctx = { config: { dataDir: dir.path }, clock }
  let count = 0
  const next = () => ({ sections: { bytes: Buffer.alloc(sectionBytes, ++count) } })
  const measured = openShelfFile(ctx, 'cards', sizesFor(0))
  await measured.put(next(), { asOfMs: 1_000_000_000_000 })
  const { size } = await stat(standbyPath(dir.path, 'cards'))
  const file = openShelfFile(ctx, 'lists', sizesFor(size))
  return {
    clock,
    async put(options: { mayWait: boolean } = { mayWait: true }): Promise<boolean> {
      const asOfMs = 1_000_000_000_000 + count
      await file.put(next(), { asOfMs, ...options })
      return file.standing!.isRightAtMs === asOfMs
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

test('a burst is written at once, then as many bytes as time brings', async () => {
  await using file = await openChanging(100, (bytes) => ({
    writeBps: bytes,
    burstBytes: 2 * bytes,
    waitMaxMs: 60_000,
  }))
  expect([await file.put(), await file.put(), await file.put()]).toEqual([true, true, false])
  file.clock.advance(1)
  expect([await file.put(), await file.put()]).toEqual([true, false])
  file.clock.advance(999)
  expect(await file.put()).toBe(false)
  file.clock.advance(1)
  expect(await file.put()).toBe(true)
})

test('nothing waits for longer than the longest wait, however large it is', async () => {
  await using file = await openChanging(100_000, () => ({ writeBps: 1, burstBytes: 1, waitMaxMs: 60_000 }))
  expect([await file.put(), await file.put()]).toEqual([true, false])
  file.clock.advance(60_000)
  expect(await file.put()).toBe(false)
  file.clock.advance(1)
  expect(await file.put()).toBe(true)
})

test('what may not wait is written without regard to what was written before', async () => {
  await using file = await openChanging(100, () => ({ writeBps: 0, burstBytes: 1, waitMaxMs: 60_000 }))
  expect([await file.put(), await file.put({ mayWait: false }), await file.put()]).toEqual([
    true,
    true,
    false,
  ])
})
