import { expect, test } from 'vitest'
import { parsePreferences } from './preferences.svelte.ts'

const defaults = { autoplay: true, motion: 'system', data: 'system', fetchAheadMb: 3 }

test('what was never set has its default', () => {
  expect(parsePreferences(null)).toEqual(defaults)
  expect(parsePreferences('{"autoplay":false}')).toEqual({ ...defaults, autoplay: false })
})

test('what was stored comes back', () => {
  const stored = { autoplay: false, motion: 'reduced', data: 'save', fetchAheadMb: 0 }
  expect(parsePreferences(JSON.stringify(stored))).toEqual(stored)
})

test('anything strange counts as not set', () => {
  expect(parsePreferences('{')).toEqual(defaults)
  expect(parsePreferences('null')).toEqual(defaults)
  expect(parsePreferences('{"autoplay":"yes","motion":3,"data":"none","fetchAheadMb":99}')).toEqual(defaults)
})
