import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planLadder, ratio, segmentDurationS } from './plan.ts'
import { makeSource } from './source-fixtures.ts'
import type { VideoStreamInfo } from './source-info.ts'

const rungsOf = (displayWidth: number, displayHeight: number) =>
  planLadder(makeSource({ video: { displayWidth, displayHeight } })).rungs.map(
    (rung) => `${rung.id} ${rung.width}x${rung.height}`,
  )

describe('rungs', () => {
  test('a portrait source in full HD gets all four by its short edge', () => {
    expect(rungsOf(1080, 1920)).toEqual(['v1080 1080x1920', 'v720 720x1280', 'v540 540x960', 'v360 360x640'])
  })

  test('a landscape source in 4K stops at 1080', () => {
    expect(rungsOf(3840, 2160)).toEqual(['v1080 1920x1080', 'v720 1280x720', 'v540 960x540', 'v360 640x360'])
  })

  test('a source between two steps is not scaled up', () => {
    expect(rungsOf(600, 800)).toEqual(['v540 540x720', 'v360 360x480'])
  })

  test('a source a little under a step stands on it at its own size', () => {
    expect(rungsOf(1072, 1920)[0]).toBe('v1080 1072x1920')
  })

  test('a source smaller than every step gets one rung at its own even size', () => {
    expect(rungsOf(241, 321)).toEqual(['v240 240x320'])
  })

  test('the first rung is the 540 one, or the highest below it', () => {
    expect(planLadder(makeSource()).firstRung.id).toBe('v540')
    expect(planLadder(makeSource({ video: { displayWidth: 480, displayHeight: 640 } })).firstRung.id).toBe(
      'v360',
    )
  })

  test('whatever the source: even, never larger than it, in its proportions', () => {
    fc.assert(
      fc.property(fc.integer({ min: 16, max: 4096 }), fc.integer({ min: 16, max: 4096 }), (width, height) => {
        const { rungs, firstRung } = planLadder(
          makeSource({ video: { displayWidth: width, displayHeight: height } }),
        )
        expect(rungs).toContain(firstRung)
        for (const rung of rungs) {
          expect((rung.width % 2) + (rung.height % 2)).toBe(0)
          expect(rung.width).toBeLessThanOrEqual(width)
          expect(rung.height).toBeLessThanOrEqual(height)
          const error = Math.abs(rung.width / rung.height / (width / height) - 1)
          expect(error).toBeLessThanOrEqual(3 / Math.min(rung.width, rung.height))
        }
      }),
    )
  })
})

describe('frame rate', () => {
  const fpsOf = (video: Partial<VideoStreamInfo>) => ratio(planLadder(makeSource({ video })).fps)

  test('a steady standard rate is kept exactly', () => {
    const plan = planLadder(makeSource({ video: { averageFps: 30_000 / 1001, measuredFps: 29.97 } }))
    expect(plan.fps).toEqual({ num: 30_000, den: 1001 })
    expect(segmentDurationS(plan)).toBeCloseTo(2.002, 6)
  })

  test("a phone's 29.6 in poor light becomes 30", () => {
    expect(fpsOf({ averageFps: 29.7, baseFps: 30, measuredFps: 29.8, hasVariableFrameRate: true })).toBe(30)
  })

  test('slow motion is brought down to 60', () => {
    expect(fpsOf({ averageFps: 240, baseFps: 240, measuredFps: 240 })).toBe(60)
  })

  test("a WebM's clock of 1000 is no rate", () => {
    expect(fpsOf({ averageFps: null, baseFps: 1000, measuredFps: 24.9, hasVariableFrameRate: false })).toBe(
      25,
    )
  })

  test('an unknown rate is 30', () => {
    expect(fpsOf({ averageFps: null, baseFps: null, measuredFps: null })).toBe(30)
  })

  test('a still that changes once a second keeps groups of at least one frame', () => {
    expect(
      planLadder(makeSource({ video: { averageFps: 0.2, baseFps: 0.2, measuredFps: 0.2 } })).gopFrames,
    ).toBe(2)
  })
})

describe('sound', () => {
  test('AAC-LC in stereo is kept', () => {
    expect(planLadder(makeSource()).audio).toMatchObject({ mode: 'copy', streamIndex: 1 })
  })

  test.each([
    ['5.1', { channels: 6 }],
    ['HE-AAC', { profile: 'HE-AAC' }],
    ['Opus', { codec: 'opus', profile: null }],
    ['96 kHz', { sampleRateHz: 96_000 }],
  ])('%s is encoded', (_, audio) => {
    expect(planLadder(makeSource({ audio })).audio.mode).toBe('encode')
  })

  test('no sound stays no sound', () => {
    expect(planLadder(makeSource({ audio: null })).audio).toEqual({ mode: 'none' })
  })
})
