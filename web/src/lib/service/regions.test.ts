import { expect, test } from 'vitest'
import type { ServiceState } from '#lib/api/types.ts'
import { findBehindS } from './regions.ts'

const region = (state: string, behindS: number | null) =>
  [{ name: 'eu', state, behindS, reason: null, share: 1 }] as NonNullable<ServiceState['regions']>

test.each([
  ['a region that catches up', region('catching-up', 48), 48],
  ['one that also reopens', region('reopening', 48), 48],
  ['a moment later is not behind', region('serving', 1), null],
  ['nobody is shown anything in a closed one', region('closed', 48), null],
  ['unknown is unknown', region('unknown', null), null],
  ['an instance without regions', undefined, null],
])('%s', (_, regions, behindS) => expect(findBehindS(regions)).toBe(behindS))
