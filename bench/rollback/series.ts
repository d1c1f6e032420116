/**
 * Good releases in the judge, on recorded series: processes of one and the same code, started at one moment, each judged as
 * the canary beside each other one. The same series with a fault put in show that the judge would see one.
 */
import { join } from 'node:path'
import { createRandom } from '../../engines/for-you/index.ts'
import {
  createJudge,
  LATENCY_BUCKET_COUNT,
  type Judgement,
  type Sample,
} from '../../engines/steward/rollout/index.ts'
import { publishVideos } from '../../tests/rig/people/publishing.ts'
import { startProduct } from '../../tests/support/product.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import type { BenchRow } from '../support.ts'
import type { RollbackPart } from './part.ts'
import { recordGeneration, type Recording } from './recording.ts'

const GENERATIONS = 7
/** As many as the database has connections for, beside the product's own. */
const PROCESSES = 6
/** A release that nothing speaks against is through after a minute. */
const SECONDS = 70
const VIDEOS = 4
/** What a trial asks of each side at least. */
const PER_S = 50
const GOOD = 195
const TAKEN_BACK_MAX = 1
const ERRORS_SHARE = 0.02
/** Buckets grow by 1.25: five further is three times as long. */
const SLOWER_BUCKETS = 5
const SEED = 20_261_123

type Pair = readonly [canary: Recording, baseline: Recording]

/** @param say hears of each step */
export async function measureSeries(say: (line: string) => void): Promise<RollbackPart> {
  const pairs = (await record(say)).flatMap(pairsOf).slice(0, GOOD)
  const fates = pairs.map((pair) => judgeSeries(pair))
  const back = fates.filter(({ verdict }) => verdict === 'back')
  const undecided = fates.filter(({ verdict }) => verdict !== 'back' && verdict !== 'promote')
  const random = createRandom(SEED)
  const failing = countBack(pairs, (sample) => withErrors(sample, random))
  const slow = countBack(pairs, slower)
  const row = (what: string, ours: number, target: string): BenchRow => ({
    ...{ what, ours, target },
    rival: null,
    unit: `of ${pairs.length}`,
  })
  return {
    rows: [
      row('good releases on recorded series: taken back', back.length, `≤ ${TAKEN_BACK_MAX}`),
      row(`… not decided in ${SECONDS} s`, undecided.length, '0'),
      row('the same with 2 % errors: taken back', failing, String(pairs.length)),
      row('the same three times as slow: taken back', slow, String(pairs.length)),
    ],
    figures: { recordedSeconds: GENERATIONS * PROCESSES * SECONDS },
    fallsShort: [
      ...(back.length > TAKEN_BACK_MAX
        ? back.map(({ stage, reason }) => `A good release went back at ${stage}: ${reason}`)
        : []),
      ...undecided.map(({ stage, reason }) => `A good release got no further than ${stage}: ${reason}`),
      ...(failing < pairs.length ? [`${pairs.length - failing} releases with 2 % errors got through.`] : []),
      ...(slow < pairs.length ? [`${pairs.length - slow} slow releases got through.`] : []),
    ],
  }
}

async function record(say: (line: string) => void): Promise<readonly (readonly Recording[])[]> {
  await using dir = await makeTemporaryDir()
  const dataDir = join(dir.path, 'data')
  await using product = await startProduct({ dataDir, env: { BACKUP: 'off', UPLOAD_RESERVE_BYTES: '0' } })
  await product.settled()
  await publishVideos(product.url, VIDEOS)
  const generations: (readonly Recording[])[] = []
  for (let n = 1; n <= GENERATIONS; n++) {
    say(`recording ${PROCESSES} processes for ${SECONDS} s, ${n} of ${GENERATIONS} …`)
    generations.push(await recordGeneration({ dataDir, processes: PROCESSES, seconds: SECONDS, perS: PER_S }))
  }
  return generations
}

/** Each as the canary beside each other one. */
const pairsOf = (recordings: readonly Recording[]): Pair[] =>
  recordings.flatMap((canary) =>
    recordings.filter((each) => each !== canary).map((baseline): Pair => [canary, baseline]),
  )

function judgeSeries(
  [canaries, baselines]: Pair,
  spoil: (sample: Sample) => Sample = (sample) => sample,
): Judgement {
  const judge = createJudge()
  let last: Judgement | null = null
  for (const [second, recorded] of canaries.entries()) {
    const canary = recorded && spoil(recorded)
    last = judge.observe({ canary, baseline: baselines[second] ?? null })
    if (last.verdict === 'back' || last.verdict === 'promote') break
  }
  return last!
}

const countBack = (pairs: readonly Pair[], spoil: (sample: Sample) => Sample): number =>
  pairs.filter((pair) => judgeSeries(pair, spoil).verdict === 'back').length

function withErrors(sample: Sample, random: () => number): Sample {
  let errors = 0
  for (let request = 0; request < sample.requests; request++) if (random() < ERRORS_SHARE) errors += 1
  return { ...sample, errors: Math.min(sample.requests, sample.errors + errors) }
}

const slower = (sample: Sample): Sample => ({
  ...sample,
  latencyBuckets: Array.from({ length: LATENCY_BUCKET_COUNT }, (_, index) => {
    const moved = sample.latencyBuckets[index - SLOWER_BUCKETS] ?? 0
    if (index < LATENCY_BUCKET_COUNT - 1) return moved
    return sample.latencyBuckets.slice(index - SLOWER_BUCKETS).reduce((sum, count) => sum + count, 0)
  }),
})
