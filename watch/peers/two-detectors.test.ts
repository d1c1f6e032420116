/** Two whole watches, each with a detector and evidence of its own: from the first failed check until both call it over. */
import { expect, test } from 'vitest'
import { createDetector, type ProbeSample } from '../../engines/detect/index.ts'
import { listIncidents, startIncidentLoop, type IncidentLoop } from '../incidents/index.ts'
import { startPair, type Pair, type PairWatch } from './pair.fixtures.ts'

const STEP_S = 5
const SECOND_MS = 1_000

interface Seeing {
  readonly watch: PairWatch
  readonly loop: IncidentLoop
  /** What its checks of the feed say; null: it makes none. */
  feed: ProbeSample['outcome'] | null
}

async function openSeeing(pair: Pair) {
  await using stack = new AsyncDisposableStack()
  const open = (watch: PairWatch): Seeing => {
    const { ctx, board } = watch.world
    board.service('upbeat').cells = []
    board.service('upbeat').components.clear()
    const loop = stack.use(startIncidentLoop(ctx, { board, createDetector, beatMs: 1 }))
    return { watch, loop, feed: 'ok' }
  }
  const [a, b] = [open(pair.a), open(pair.b)]
  const owned = stack.move()
  return {
    a,
    b,
    async pass(seconds: number): Promise<void> {
      for (let passed = 0; passed < seconds; passed += STEP_S) {
        await pair.pass(STEP_S)
        for (const one of [a, b]) look(one)
        // The loops beat by themselves; a few turns of them belong to each step.
        await new Promise((resolve) => setTimeout(resolve, 8))
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function look({ watch, loop, feed }: Seeing): void {
  if (feed === null) return
  const { ctx } = watch.world
  for (const region of ['eu', 'na'])
    loop.observe({
      kind: 'probes',
      serviceId: 'upbeat',
      atMs: ctx.clock.now().getTime(),
      monitorId: `feed-${region}`,
      featureIds: ['feed'],
      vantageId: watch.id,
      region,
      asn: null,
      outcome: feed,
      failure: feed === 'failed' ? 'http-5xx' : null,
      durationMs: 20,
      intervalMs: STEP_S * SECOND_MS,
    })
}

const incidentsAt = ({ watch }: Seeing) =>
  listIncidents(watch.world.ctx, { serviceId: 'upbeat' }).filter(
    ({ confirmedAtMs }) => confirmedAtMs !== null,
  )

test('what one found alone outlives it at the other, which sees it too, and sees it end', async () => {
  await using pair = await startPair()
  await using seeing = await openSeeing(pair)
  const { a, b } = seeing
  await seeing.pass(120)
  b.feed = null
  a.feed = 'failed'
  await seeing.pass(90)
  await expect.poll(() => incidentsAt(a)).toHaveLength(1)
  await seeing.pass(10)
  expect(incidentsAt(b)).toMatchObject([
    { featureIds: ['feed'], resolvedAtMs: null, witnesses: [{ watch: 'a', isSelf: false }] },
  ])

  await pair.a.stop()
  await a.loop[Symbol.asyncDispose]()
  a.feed = null
  b.feed = 'failed'
  await seeing.pass(120)
  await expect
    .poll(() => incidentsAt(b).map(({ witnesses }) => witnesses?.map(({ watch }) => watch).toSorted()))
    .toEqual([['a', 'b']])
  expect(incidentsAt(b)[0]!.resolvedAtMs).toBeNull()

  b.feed = 'ok'
  await seeing.pass(600)
  await expect.poll(() => incidentsAt(b).map(({ state }) => state)).toEqual(['resolved'])
})
