import { expect, test } from 'vitest'
import { createDetector, type ProbeSample } from '../../engines/detect/index.ts'
import { createWatchWorld, ENTRY, RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import {
  confirmOutage,
  correctCause,
  listIncidents,
  scheduleMaintenance,
  startIncidentLoop,
  statusOf,
  uptimeDaysOf,
  type IncidentLoop,
  type WatchChange,
} from './index.ts'

const SECOND_MS = 1_000
const ONE_REGION = ENTRY.replace(/regions:[\s\S]*features:/, 'features:')

/** A watch whose clock the test moves, and whose loop runs as fast as it can. */
async function openWorld() {
  const world = await createWatchWorld({ entries: { upbeat: ONE_REGION } })
  world.board.service('upbeat').cells = []
  world.board.service('upbeat').components.clear()
  const changes: WatchChange[] = []
  world.ctx.live.onChange((change) => changes.push(change))
  let loop = startIncidentLoop(world.ctx, { board: world.board, createDetector, beatMs: 1 })
  return {
    ...world,
    changes,
    restart: async () => {
      await loop[Symbol.asyncDispose]()
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

const stateOf = (world: WatchWorld, slug: string) =>
  statusOf(world.ctx, 'upbeat').components.find((component) => component.slug === slug)!

test('a feature that fails becomes an incident that is told step by step, and ends', async () => {
  await using world = await openWorld()
  await world.pass(120)
  expect(statusOf(world.ctx, 'upbeat')).toMatchObject({ indicator: 'none', incidents: [] })

  await world.pass(90, ['feed'])
  await expect.poll(() => stateOf(world, 'feed').status).toBe('major_outage')
  const [open] = listIncidents(world.ctx, { serviceId: 'upbeat' })
  expect(open).toMatchObject({
    state: 'confirmed',
    featureIds: ['feed'],
    title: 'Feed does not work',
    resolvedAtMs: null,
  })
  expect(stateOf(world, 'video').status).toBe('operational')

  await world.pass(600)
  await expect.poll(() => listIncidents(world.ctx, { serviceId: 'upbeat' })[0]!.state).toBe('resolved')
  const [over] = listIncidents(world.ctx, { serviceId: 'upbeat' })
  const told = over!.updates.map(({ state }) => state).toReversed()
  expect(told.indexOf('confirmed')).toBeLessThan(told.indexOf('recovering'))
  expect(told.at(-1)).toBe('resolved')
  expect(over!.updates[0]!.body).toMatch(/^Feed works again\. It lasted /)
  expect(over!.updates.every(({ author }) => author === 'watch')).toBe(true)
  expect(stateOf(world, 'feed').status).toBe('operational')
  const [today] = uptimeDaysOf(world.ctx, { serviceId: 'upbeat', featureIds: ['feed'], days: 1 }).get('feed')!
  expect(today!.upFraction).toBeLessThan(1)
  expect(
    world.changes.some((change) => change.kind === 'incident' && change.update?.state === 'resolved'),
  ).toBe(true)
})

test('a watch without a connection opens nothing, says that it is blind, and keeps what it knew', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(300, ['feed', 'video', 'upload', 'search', 'tags'], 'blind')
  expect(listIncidents(world.ctx, { serviceId: 'upbeat' })).toEqual([])
  expect(statusOf(world.ctx, 'upbeat')).toMatchObject({ isBlind: true, indicator: 'none' })
  await world.pass(60)
  expect(statusOf(world.ctx, 'upbeat').isBlind).toBe(false)
})

test('a restart goes on with the outage that was open', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['upload'])
  await expect.poll(() => listIncidents(world.ctx, { serviceId: 'upbeat' })[0]?.state).toBe('confirmed')
  await world.restart()
  await world.pass(60, ['upload'])
  expect(listIncidents(world.ctx, { serviceId: 'upbeat' })).toHaveLength(1)
  await world.pass(600)
  await expect.poll(() => listIncidents(world.ctx, { serviceId: 'upbeat' })[0]!.state).toBe('resolved')
})

test('what breaks in a maintenance window is no outage', async () => {
  await using world = await openWorld()
  await world.pass(120)
  const nowMs = world.ctx.clock.now().getTime()
  await scheduleMaintenance(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'New disks',
    body: 'The feed is away for a while.',
    featureIds: ['feed'],
    regions: [],
    scheduledForMs: nowMs + 10 * SECOND_MS,
    scheduledUntilMs: nowMs + 3_600 * SECOND_MS,
  })
  await world.pass(300, ['feed'])
  await expect.poll(() => stateOf(world, 'feed').status).toBe('under_maintenance')
  expect(statusOf(world.ctx, 'upbeat')).toMatchObject({
    indicator: 'maintenance',
    maintenances: [{ status: 'in_progress' }],
  })
  expect(
    listIncidents(world.ctx, { serviceId: 'upbeat' }).filter(({ confirmedAtMs }) => confirmedAtMs !== null),
  ).toEqual([])
})

test('what an operator says stands while the detector goes on', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['search'])
  await expect.poll(() => listIncidents(world.ctx, { serviceId: 'upbeat' }).length).toBe(1)
  const { id } = listIncidents(world.ctx, { serviceId: 'upbeat' })[0]!
  await confirmOutage(world.ctx, { actor: RESPONDER, incidentId: id })
  await correctCause(world.ctx, { actor: RESPONDER, incidentId: id, cause: 'rollout' })
  await world.pass(60, ['search'])
  const [incident] = listIncidents(world.ctx, { serviceId: 'upbeat' })
  expect(incident).toMatchObject({ state: 'identified', cause: 'rollout', isCauseByOperator: true })
  expect(incident!.updates[0]).toMatchObject({
    author: 'operator:Ada',
    body: expect.stringContaining('rolled out'),
  })
})
