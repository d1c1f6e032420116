import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { openIncident, scheduleMaintenance } from '../incidents/index.ts'
import { startStaticExport } from './static-export.ts'
import { createWatchWorld, RESPONDER, type WatchWorld } from './world.fixtures.ts'

const SUBJECT = { actor: RESPONDER, serviceId: 'upbeat', body: 'We are looking.', featureIds: ['upload'] }

async function fill(world: WatchWorld): Promise<void> {
  await openIncident(world.ctx, { ...SUBJECT, title: 'Upload does not work', regions: [], impact: 'major' })
  const fromMs = world.clock.now().getTime() + 3_600_000
  await scheduleMaintenance(world.ctx, {
    ...SUBJECT,
    title: 'New disks',
    regions: [],
    scheduledForMs: fromMs,
    scheduledUntilMs: fromMs + 3_600_000,
  })
}

test('every link between the files leads to one of them', async () => {
  await using world = await createWatchWorld()
  await fill(world)
  const dir = join(world.dir, 'export')
  await using exporting = startStaticExport(world.ctx, dir)
  await exporting.write()
  const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.html'))
  expect(files.length).toBeGreaterThan(8)
  const broken: string[] = []
  for (const file of files) {
    const page = await readFile(join(dir, file), 'utf8')
    for (const [, href] of page.matchAll(/(?:href|src|action)="([^"#]+)"/g)) {
      // What needs the running watch leads there.
      if (/^(?:https?:|data:|\/)/.test(href!)) continue
      const target = resolve(dirname(join(dir, file)), decodeURIComponent(href!))
      if (!(await stat(target).catch(() => null))) broken.push(`${file} → ${href}`)
    }
  }
  expect(broken).toEqual([])
})

test('a file says when it was written, in a time that does not age', async () => {
  await using world = await createWatchWorld()
  const dir = join(world.dir, 'export')
  await using exporting = startStaticExport(world.ctx, dir)
  await exporting.write()
  const page = await readFile(join(dir, 'upbeat', 'index.html'), 'utf8')
  expect(page).toContain('22 Nov 2026, 04:00 UTC')
  expect(page).not.toMatch(/just now|<script/)
  expect(page).toContain('http-equiv="content-security-policy"')
})

test('only what differs is written again', async () => {
  await using world = await createWatchWorld()
  const dir = join(world.dir, 'export', 'upbeat')
  await using exporting = startStaticExport(world.ctx, dirname(dir))
  await exporting.write()
  const inodeOf = async (name: string) => (await stat(join(dir, name))).ino
  const before = { index: await inodeOf('index.html'), feed: await inodeOf('components/feed.html') }
  await fill(world)
  await exporting.write()
  expect(await readFile(join(dir, 'index.html'), 'utf8')).toContain('Upload does not work')
  expect(await inodeOf('index.html')).not.toBe(before.index)
  expect(await inodeOf('components/feed.html')).toBe(before.feed)
})

test('an id that leads elsewhere becomes no file, and keeps none of the others from being written', async () => {
  await using world = await createWatchWorld()
  await fill(world)
  const { store } = world.ctx
  const { id } = store.get<{ id: string }>('select id from incident')!
  await store.write([
    ...['../../../escaped', 'index', 'x\0'].map((other) => ({
      sql: `insert into incident select :other, service_id, null, state, pinned_state, operator_cause, started_at_ms,
        confirmed_at_ms, resolved_at_ms, updated_at_ms, merged_into, facts from incident where id = :id`,
      params: { id, other },
    })),
  ])
  const dir = join(world.dir, 'deep', 'export')
  await using exporting = startStaticExport(world.ctx, dir)
  await exporting.write()
  expect(await readdir(join(dir, 'upbeat', 'incidents'))).toEqual([`${id}.html`])
  expect(await readdir(join(world.dir, 'deep'))).toEqual(['export'])
  expect(await readdir(dir)).not.toContain('escaped.html')
})
