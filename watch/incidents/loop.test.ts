import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { RESPONDER, type WatchWorld } from '../pages/world.fixtures.ts'
import {
  confirmOutage,
  correctCause,
  listIncidents,
  postUpdate,
  scheduleMaintenance,
  statusOf,
  updateMaintenance,
  uptimeDaysOf,
} from './index.ts'
import { ONE_REGION, openWorld } from './loop.fixtures.ts'

const SECOND_MS = 1_000

/** Makes the disk refuse to change rows of the table, until it is disposed. */
function refuseChanges(world: WatchWorld, table: string): Disposable {
  const db = new DatabaseSync(join(world.ctx.config.dataDir, 'watch.sqlite'), { timeout: 2_000 })
  for (const change of ['insert', 'update'])
    db.exec(
      `create trigger refuse_${change} before ${change} on ${table} begin select raise(abort, 'refused'); end`,
    )
  return {
    [Symbol.dispose]() {
      for (const change of ['insert', 'update']) db.exec(`drop trigger refuse_${change}`)
      db.close()
    },
  }
}

const incidentsOf = (world: WatchWorld) => listIncidents(world.ctx, { serviceId: 'upbeat' })

const stateOf = (world: WatchWorld, slug: string) =>
  statusOf(world.ctx, 'upbeat').components.find((component) => component.slug === slug)!

test('a feature that fails becomes an incident that is told step by step, and ends', async () => {
  await using world = await openWorld()
  await world.pass(120)
  expect(statusOf(world.ctx, 'upbeat')).toMatchObject({ indicator: 'none', incidents: [] })

  await world.pass(90, ['feed'])
  await expect.poll(() => stateOf(world, 'feed').status).toBe('major_outage')
  // The status is shown at once, the incident once it is on the disk.
  await expect.poll(() => incidentsOf(world)[0]?.state).toBe('confirmed')
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

test('an outage that could not be written when it was found gets its incident, and an end that could not be written is told', async () => {
  await using world = await openWorld()
  await world.pass(120)
  {
    using _refused = refuseChanges(world, 'incident')
    await world.pass(120, ['feed'])
    expect(incidentsOf(world)).toEqual([])
  }
  await world.pass(20, ['feed'])
  await expect.poll(() => incidentsOf(world)[0]?.state).toBe('confirmed')
  {
    using _refused = refuseChanges(world, 'incident')
    await world.pass(600)
    expect(incidentsOf(world)[0]!.resolvedAtMs).toBeNull()
  }
  await world.pass(20)
  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('resolved')
  expect(incidentsOf(world)).toHaveLength(1)
})

test('what the disk refused of the components is written later, with the time at which it happened', async () => {
  await using world = await openWorld()
  await world.pass(120)
  const changes = () =>
    world.ctx.store.all<{ at_ms: number; status: string }>(
      `select at_ms, status from component_change where feature_id = 'feed' order by at_ms`,
    )
  const known = changes().length
  const fromMs = world.ctx.clock.now().getTime()
  {
    using _refused = refuseChanges(world, 'component_change')
    await world.pass(90, ['feed'])
    await expect.poll(() => stateOf(world, 'feed').status).toBe('major_outage')
    await world.pass(600)
    await expect.poll(() => stateOf(world, 'feed').status).toBe('operational')
    expect(changes()).toHaveLength(known)
  }
  const untilMs = world.ctx.clock.now().getTime()
  await world.pass(20)
  await expect
    .poll(() =>
      changes()
        .slice(known)
        .map(({ status }) => status),
    )
    .toContain('major_outage')
  const late = changes().slice(known)
  expect(late.at(-1)!.status).toBe('operational')
  expect(late.every(({ at_ms }) => at_ms >= fromMs && at_ms <= untilMs)).toBe(true)
})

/** A snapshot that no detector takes. */
const spoilSnapshot = (world: WatchWorld) =>
  world.ctx.store.write([{ sql: `update detector_snapshot set body = '{"version":99}'` }])

test('an incident whose outage the detector has lost is closed once its feature is seen to work for a while', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['feed'])
  await expect.poll(() => incidentsOf(world)[0]?.state).toBe('confirmed')
  await world.restart(() => spoilSnapshot(world))

  await world.pass(240)
  expect(incidentsOf(world)[0]!.resolvedAtMs).toBeNull()
  await world.pass(120)

  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('resolved')
  expect(incidentsOf(world)[0]!.updates[0]!.body).toMatch(/^Feed works again\. /)
})

test('an incident whose outage the detector has lost goes on when its feature is found broken anew', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['feed'])
  await expect.poll(() => incidentsOf(world)[0]?.state).toBe('confirmed')
  const { startedAtMs } = incidentsOf(world)[0]!
  await world.restart(() => spoilSnapshot(world))

  await world.pass(120, ['feed'])

  expect(incidentsOf(world)).toMatchObject([{ state: 'confirmed', startedAtMs }])
  await world.pass(600)
  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('resolved')
  const told = incidentsOf(world)[0]!.updates.map(({ state }) => state)
  expect(told.filter((state) => state === 'resolved')).toHaveLength(1)
})

test('a feature that is added to the file of a service leaves an incident neither open for ever nor told twice', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['feed'])
  await expect.poll(() => incidentsOf(world)[0]?.state).toBe('confirmed')
  await writeFile(
    join(world.dir, 'catalog', 'upbeat.yaml'),
    `${ONE_REGION.trimEnd()}\n  - { id: live, name: Live }\n`,
  )
  await expect.poll(() => world.ctx.catalog.find('upbeat')!.features.length, { timeout: 10_000 }).toBe(6)

  await world.pass(120, ['feed'])
  expect(incidentsOf(world)).toMatchObject([{ state: 'confirmed' }])
  await world.pass(600)

  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('resolved')
  expect(incidentsOf(world)).toHaveLength(1)
})

test('a memory that is older than the end of an incident does not open it again', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['feed'])
  await expect.poll(() => incidentsOf(world)[0]?.state).toBe('confirmed')
  let older = ''
  const snapshot = () => world.ctx.store.get<{ body: string }>('select body from detector_snapshot')!.body
  await world.restart(() => void (older = snapshot()))
  await world.pass(600)
  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('resolved')
  const told = incidentsOf(world)[0]!.updates.length

  await world.restart(() =>
    world.ctx.store.write([{ sql: 'update detector_snapshot set body = :older', params: { older } }]),
  )
  await world.pass(300)

  expect(incidentsOf(world)).toMatchObject([{ state: 'resolved' }])
  expect(incidentsOf(world)[0]!.updates).toHaveLength(told)
})

test('an operator who opens an incident again after its end is not overruled by the detector', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(90, ['feed'])
  await world.pass(600)
  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('resolved')
  const { id } = incidentsOf(world)[0]!
  await postUpdate(world.ctx, {
    actor: RESPONDER,
    incidentId: id,
    state: 'identified',
    body: 'Some still see it.',
  })

  // Beyond the watch for a relapse, too.
  await world.pass(2_400)
  expect(incidentsOf(world)).toMatchObject([{ state: 'identified', resolvedAtMs: null }])

  await postUpdate(world.ctx, { actor: RESPONDER, incidentId: id, state: 'resolved', body: 'It is over.' })
  await world.pass(30)
  expect(incidentsOf(world)).toMatchObject([{ state: 'resolved' }])
})

test('a window that ended while the watch was away holds nothing back afterwards', async () => {
  await using world = await openWorld()
  await world.pass(120)
  const nowMs = world.ctx.clock.now().getTime()
  const { id } = await scheduleMaintenance(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'New disks',
    body: 'The feed is away for a while.',
    featureIds: ['feed'],
    regions: [],
    scheduledForMs: nowMs,
    scheduledUntilMs: nowMs + 3_600 * SECOND_MS,
  })
  await world.pass(60, ['feed'])
  await expect.poll(() => stateOf(world, 'feed').status).toBe('under_maintenance')

  await world.restart(() =>
    updateMaintenance(world.ctx, { actor: RESPONDER, maintenanceId: id, status: 'completed', body: '' }),
  )
  await world.pass(90, ['feed'])

  await expect.poll(() => stateOf(world, 'feed').status).toBe('major_outage')
  expect(incidentsOf(world)).toHaveLength(1)
})

test('a window whose beginning the disk refuses to write begins all the same', async () => {
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
  using _refused = refuseChanges(world, 'maintenance')

  await world.pass(20)
  await world.pass(90, ['feed'])

  await expect.poll(() => stateOf(world, 'feed').status).toBe('under_maintenance')
})

test('an outage is said to be coming back as soon as a second check in a row is good, and over no sooner than before', async () => {
  await using world = await openWorld()
  await world.pass(120)
  await world.pass(40, ['feed'])
  await expect.poll(() => incidentsOf(world)[0]?.state).toBe('confirmed')
  await world.pass(20)
  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('recovering')
  await world.pass(120)
  expect(incidentsOf(world)[0]!.state).toBe('recovering')
  await world.pass(30)
  await expect.poll(() => incidentsOf(world)[0]!.state).toBe('resolved')
})
