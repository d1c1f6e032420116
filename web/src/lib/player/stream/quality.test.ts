import { expect, test } from 'vitest'
import type { Variant } from './playlist.ts'
import { chooseVariant, createBandwidthEstimator, guessBandwidthBps } from './quality.ts'

const variant = (edge: number, bandwidthBps: number): Variant => ({
  url: `${edge}`,
  bandwidthBps,
  width: edge,
  height: Math.round((edge * 16) / 9),
  codecs: [],
  audioUrl: null,
})
const LADDER = [
  variant(540, 1_500_000),
  variant(1080, 5_000_000),
  variant(720, 2_500_000),
  variant(360, 700_000),
]
const edgeFor = (input: Partial<Parameters<typeof chooseVariant>[1]>) =>
  chooseVariant(LADDER, {
    bandwidthBps: 20e6,
    shortEdgePx: 1080,
    isSavingData: false,
    bufferedS: 0,
    ...input,
  }).width

test('a video begins with what half of the network can carry', () => {
  expect(edgeFor({ bandwidthBps: 20e6 })).toBe(1080)
  expect(edgeFor({ bandwidthBps: 5e6 })).toBe(720)
  expect(edgeFor({ bandwidthBps: 1e6 })).toBe(360)
})

test('on a network that carries none of them the smallest plays', () => {
  expect(edgeFor({ bandwidthBps: 50_000 })).toBe(360)
})

test('no more pixels than the player has, but for the first that reaches them', () => {
  expect(edgeFor({ shortEdgePx: 390 })).toBe(540)
  expect(edgeFor({ shortEdgePx: 540 })).toBe(540)
  expect(edgeFor({ shortEdgePx: 2000 })).toBe(1080)
})

test('someone who saves data gets a small rendition on any network', () => {
  expect(edgeFor({ isSavingData: true })).toBe(540)
})

test('going up waits for a store of four seconds; going down does not wait', () => {
  expect(edgeFor({ current: LADDER[0]!, bufferedS: 3.9 })).toBe(540)
  expect(edgeFor({ current: LADDER[0]!, bufferedS: 4 })).toBe(1080)
  expect(edgeFor({ current: LADDER[1]!, bandwidthBps: 1e6, bufferedS: 0 })).toBe(360)
})

test('a transfer that took long says at once what the line carries', () => {
  const estimator = createBandwidthEstimator(8e6)
  estimator.add(150_000, 4_000)
  expect(estimator.read()).toBeLessThan(600_000)
})

test('a page that came slowly is what is guessed from; one that came fast says nothing', () => {
  const input = { remembered: { bps: 9e6, ageMs: 1_000 }, downlinkMbps: 10, effectiveType: '4g' }
  expect(guessBandwidthBps({ ...input, pageBps: 250_000 })).toBe(250_000)
  expect(guessBandwidthBps({ ...input, pageBps: 1_000_000 })).toBe(9e6)
  expect(guessBandwidthBps({ ...input, pageBps: null })).toBe(9e6)
})

test('the estimate falls fast, rises with care, and takes nothing from a cache', () => {
  const estimator = createBandwidthEstimator(8e6)
  estimator.add(100_000, 1)
  expect(estimator.read()).toBe(8e6)
  estimator.add(100_000, 800)
  expect(estimator.read()).toBe(4.5e6)
  estimator.add(2_000_000, 800)
  expect(estimator.read()).toBeLessThan(10e6)
})

test('the first guess is what was measured within the hour, else the browser’s word, and slow when it says so', () => {
  const remembered = { bps: 9e6, ageMs: 60_000 }
  expect(guessBandwidthBps({ remembered, downlinkMbps: 2, effectiveType: '4g' })).toBe(9e6)
  expect(
    guessBandwidthBps({ remembered: { bps: 9e6, ageMs: 3_600_000 }, downlinkMbps: 2, effectiveType: '4g' }),
  ).toBe(1.4e6)
  expect(guessBandwidthBps({ remembered, downlinkMbps: 10, effectiveType: '2g' })).toBe(120_000)
  expect(guessBandwidthBps({ remembered: null, downlinkMbps: null, effectiveType: null })).toBe(4e6)
})
