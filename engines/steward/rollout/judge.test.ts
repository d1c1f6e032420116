import { expect, test } from 'vitest'
import { playArms, type Fault, type Site } from './fixtures.ts'
import { createJudge, type Judgement } from './index.ts'

/** How a release ends, after so many seconds; null: it is still on its way. */
function roll(
  seed: number,
  fault: Fault,
  site: Partial<Site> = {},
  forS = 400,
): { last: Judgement; s: number } {
  const judge = createJudge()
  let s = 0
  for (const observation of playArms(seed, fault, site)) {
    const last = judge.observe(observation)
    s += 1
    if (last.verdict === 'promote' || last.verdict === 'back' || s >= forS) return { last, s }
  }
  throw new Error('Series do not end.')
}

const seeds = (count: number, from: number) => Array.from({ length: count }, (_, index) => from + index)

test('of 200 good releases at most one goes back, and the others get through', () => {
  const ends = seeds(200, 1_000).map((seed) => roll(seed, {}))

  const gone = ends.filter(({ last }) => last.verdict === 'back')
  expect(gone.length, gone.map(({ last }) => last.reason).join('\n')).toBeLessThanOrEqual(1)
  expect(ends.filter(({ last }) => last.verdict === 'promote').length).toBeGreaterThanOrEqual(195)
})

const BAD: Readonly<Record<string, { readonly fault: Fault; readonly limitS: number }>> = {
  'answers 500 to everything': { fault: { failureShare: 1 }, limitS: 3 },
  'fails 2 of 100 requests': { fault: { failureShare: 0.02 }, limitS: 30 },
  'has three times the p99': { fault: { latencyFactor: 3 }, limitS: 30 },
  leaks: { fault: { leakBytesPerS: 3 * 1024 ** 2 }, limitS: 60 },
  'crashes on one path': { fault: { crashAtS: 4 }, limitS: 10 },
  'has empty feeds': { fault: { emptyFeedShare: 0.5 }, limitS: 60 },
  'can’t begin playback': { fault: { playbackFailureShare: 0.3 }, limitS: 60 },
  'begins few playbacks': { fault: { fewerPlaybacksFactor: 0.1 }, limitS: 60 },
  'sheds a tenth': { fault: { shedShare: 0.1 }, limitS: 60 },
}
for (const [name, { fault, limitS }] of Object.entries(BAD))
  test(`a release that ${name} is back within ${limitS} s`, () => {
    const ends = seeds(40, 5_000).map((seed) => roll(seed, fault, { requestsPerS: 50 }))
    expect(ends.map(({ last }) => last.verdict)).toEqual(ends.map(() => 'back'))
    const slowest = ends.map(({ s }) => s).toSorted((one, other) => one - other)
    expect(slowest[Math.floor(ends.length * 0.95) - 1]).toBeLessThanOrEqual(limitS)
  })

test('overload that comes to one side first, then to the other, is no reason', () => {
  const judge = createJudge()
  const verdicts: string[] = []
  let s = 0
  for (const { canary, baseline } of playArms(1, {}, { requestsPerS: 50 })) {
    const isCanarys = s >= 2 && s < 8
    const isBaselines = s >= 8 && s < 30
    verdicts.push(
      judge.observe({
        canary: canary && { ...canary, shed: isCanarys ? 15 : isBaselines ? 3 : 0 },
        baseline: baseline && { ...baseline, shed: isCanarys ? 0 : isBaselines ? 25 : 0 },
      }).verdict,
    )
    s += 1
    if (s >= 60) break
  }
  expect(verdicts).not.toContain('back')
})
