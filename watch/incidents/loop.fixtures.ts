/** A watch for tests of the incident loop: the test moves its clock and says what its checks see. */
import { createDetector, type ProbeSample } from '../../engines/detect/index.ts'
import { createWatchWorld, ENTRY, type WatchWorld } from '../pages/world.fixtures.ts'
import { startIncidentLoop, type IncidentLoop, type WatchChange } from './index.ts'

const SECOND_MS = 1_000
export const ONE_REGION = ENTRY.replace(/regions:[\s\S]*features:/, 'features:')

/** A watch whose clock the test moves, and whose loop runs as fast as it can. */
export async function openWorld() {
  const world = await createWatchWorld({ entries: { upbeat: ONE_REGION } })
  world.board.service('upbeat').cells = []
  world.board.service('upbeat').components.clear()
  const changes: WatchChange[] = []
  world.ctx.live.onChange((change) => changes.push(change))
  let loop = startIncidentLoop(world.ctx, { board: world.board, createDetector, beatMs: 1 })
  return {
    ...world,
    changes,
    restart: async (meanwhile: () => unknown = () => {}) => {
      await loop[Symbol.asyncDispose]()
      await meanwhile()
      loop = startIncidentLoop(world.ctx, { board: world.board, createDetector, beatMs: 1 })
    },
    /** Lets time pass while each feature but the broken ones is seen to work, and waits until the loop has seen it. */
    pass: (seconds: number, broken: readonly string[] = [], outcome?: ProbeSample['outcome']) =>
      passTime(world, () => loop, seconds, broken, outcome),
    async [Symbol.asyncDispose]() {
      await loop[Symbol.asyncDispose]()
      await world[Symbol.asyncDispose]()
    },
  }
}

async function passTime(
  { ctx, clock }: WatchWorld,
  loop: () => IncidentLoop,
  seconds: number,
  broken: readonly string[],
  outcome: ProbeSample['outcome'] = 'failed',
): Promise<void> {
  const { features } = ctx.catalog.find('upbeat')!
  for (let passed = 0; passed < seconds; passed += 5) {
    clock.advance(5 * SECOND_MS)
    const atMs = ctx.clock.now().getTime()
    for (const { id } of features) {
      const isBroken = broken.includes(id)
      loop().observe({
        kind: 'probes',
        serviceId: 'upbeat',
        atMs,
        monitorId: id,
        featureIds: [id],
        vantageId: 'watch',
        region: null,
        asn: null,
        outcome: isBroken ? outcome : 'ok',
        failure: isBroken && outcome === 'failed' ? 'http-5xx' : null,
        durationMs: 20,
        intervalMs: 5 * SECOND_MS,
      })
    }
    // The loop beats by itself; a few turns of it belong to each step.
    await new Promise((resolve) => setTimeout(resolve, 8))
  }
}
