/** What pages and programs ask for costs the store a bounded number of reads, however many ask. */
import { expect, test } from 'vitest'
import { registerApi } from '../api/api.routes.ts'
import type { WatchCtx } from '../app/context.ts'
import { openIncident, postUpdate, scheduleMaintenance } from '../incidents/index.ts'
import type { Store } from '../store/index.ts'
import { createViewCache } from './view-cache.ts'
import { createWatchWorld, RESPONDER, type WatchWorld } from './world.fixtures.ts'

/** A context whose reads are counted. */
function counting(ctx: WatchCtx): { readonly ctx: WatchCtx; reads(): number } {
  let count = 0
  const store: Store = {
    ...ctx.store,
    all: (sql, params) => {
      count += 1
      return ctx.store.all(sql, params)
    },
    get: (sql, params) => {
      count += 1
      return ctx.store.get(sql, params)
    },
  }
  return { ctx: { ...ctx, store }, reads: () => count }
}

async function makeHistory(world: WatchWorld, count: number): Promise<void> {
  const { ctx, clock } = world
  for (let i = 0; i < count; i++) {
    const { id } = await openIncident(ctx, {
      actor: RESPONDER,
      serviceId: 'upbeat',
      title: `Upload ${i}`,
      body: 'It fails.',
      featureIds: ['upload'],
      regions: [],
      impact: 'minor',
    })
    await postUpdate(ctx, { actor: RESPONDER, incidentId: id, state: 'resolved', body: 'Over.' })
    const startsMs = clock.now().getTime() + 3_600_000
    const window = { scheduledForMs: startsMs, scheduledUntilMs: startsMs + 3_600_000 }
    const what = { serviceId: 'upbeat', title: `Disks ${i}`, body: 'New.', featureIds: [], regions: [] }
    await scheduleMaintenance(ctx, { actor: RESPONDER, ...what, ...window })
    clock.advance(1_000)
  }
}

const PATHS = [
  '/s/upbeat/history.rss',
  '/s/upbeat/history.atom',
  '/s/upbeat/api/v2/summary.json',
  '/s/upbeat/api/v2/incidents.json',
  '/s/upbeat/api/v2/scheduled-maintenances.json',
  '/api/v1/services/upbeat/status.json',
]

test('lists and feeds cost as many reads for forty incidents as for one, and none for whoever asks next', async () => {
  await using world = await createWatchWorld()
  const counted = counting(world.ctx)
  const url = await world.serve((app) => registerApi(app, counted.ctx, createViewCache(counted.ctx)))
  const askAll = async () => {
    const before = counted.reads()
    const bodies: string[] = []
    for (const path of PATHS) bodies.push(await (await fetch(url + path)).text())
    return { reads: counted.reads() - before, bodies }
  }
  await makeHistory(world, 1)
  const few = await askAll()
  await makeHistory(world, 40)
  const many = await askAll()
  expect(many.reads).toBe(few.reads)
  expect(many.bodies.join('')).toContain('Upload 39')
  expect(await askAll()).toEqual({ reads: 0, bodies: many.bodies })
})

test('a change is seen at once in what was made already', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve((app, ctx) => registerApi(app, ctx, createViewCache(ctx)))
  const read = async () => (await fetch(`${url}/s/upbeat/api/v2/incidents.json`)).text()
  expect(await read()).not.toContain('Upload 0')
  await makeHistory(world, 1)
  expect(await read()).toContain('Upload 0')
})

test('answers for hosts that somebody invents are right, and kept only for so many', async () => {
  await using world = await createWatchWorld()
  const url = await world.serve((app, ctx) => registerApi(app, ctx, createViewCache(ctx)))
  const urlFor = async (host: string) => {
    const answer = await fetch(`${url}/s/upbeat/api/v2/status.json`, { headers: { host } })
    return ((await answer.json()) as { page: { url: string } }).page.url
  }
  for (let i = 0; i < 80; i++) expect(await urlFor(`h${i}.example`)).toContain('/s/upbeat')
})
