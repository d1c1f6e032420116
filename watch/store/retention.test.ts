/** What is kept for how long: every table has an answer, and what is old goes without reading what is not. */
import { expect, test } from 'vitest'
import { createWatchWorld, type WatchWorld } from '../pages/world.fixtures.ts'
import { RETENTION, sweep } from './retention.ts'
import type { Statement } from './types.ts'

const DAY_MS = 86_400_000

const tablesOf = (world: WatchWorld): string[] =>
  world.ctx.store
    .all<{ name: string }>(
      "select name from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite_%' order by name",
    )
    .map(({ name }) => name)

const countOf = (world: WatchWorld, table: string): number =>
  world.ctx.store.get<{ count: number }>(`select count(*) as count from ${table}`)!.count

test('every table has a rule, or is kept for good on purpose', async () => {
  await using world = await createWatchWorld()
  const hint = 'say in RETENTION (watch/store/retention.ts) how long it is kept'
  expect(
    tablesOf(world).filter((table) => !(table in RETENTION)),
    hint,
  ).toEqual([])
})

test('what goes with another table’s rows names one that exists', () => {
  for (const retention of Object.values(RETENTION))
    if (retention.kind === 'with') expect(RETENTION).toHaveProperty(retention.table)
})

test('what is old is found without reading the whole table', async () => {
  await using world = await createWatchWorld()
  for (const [table, retention] of Object.entries(RETENTION)) {
    if (retention.kind !== 'age') continue
    const plan = world.ctx.store
      .all<{ detail: string }>(`explain query plan select min(${retention.column}) as oldest from ${table}`)
      .map(({ detail }) => detail)
      .join()
    expect(plan, table).toMatch(/USING (COVERING )?INDEX/)
  }
})

test('what was told is kept for a week, sent or not, and then goes with its messages', async () => {
  await using world = await createWatchWorld()
  const nowMs = world.clock.now().getTime()
  const rhythm = JSON.stringify({ digestAt: null, quiet: null, timeZone: 'Etc/UTC' })
  await world.ctx.store.write([
    {
      sql: `insert into subscription (id, service_id, channel, address, features, regions, rhythm, secret, created_at_ms, confirmed_at_ms)
        values ('s', 'upbeat', 'email', 'a@b.c', '[]', '[]', :rhythm, 'x', 0, 1)`,
      params: { rhythm },
    },
    ...['old', 'new'].flatMap((id): Statement[] => [
      {
        sql: `insert into notice (id, service_id, at_ms, body, is_spread) values (:id, 'upbeat', :atMs, '{}', 1)`,
        params: { id, atMs: id === 'old' ? nowMs : nowMs + 1 },
      },
      {
        sql: `insert into message (id, subscription_id, notice_id, due_at_ms, first_due_at_ms, state)
          values (:id, 's', :id, 0, 0, :state)`,
        params: { id, state: id === 'old' ? 'waiting' : 'sent' },
      },
    ]),
  ])
  world.clock.advance(7 * DAY_MS)
  await sweep(world.ctx)
  expect(countOf(world, 'message')).toBe(2)
  world.clock.advance(1)
  await sweep(world.ctx)
  expect(countOf(world, 'notice')).toBe(1)
  expect(world.ctx.store.all('select id from message')).toEqual([{ id: 'new' }])
  expect(countOf(world, 'subscription')).toBe(1)
})

test('more than a chunk goes in one round, from tables with rowids and without', async () => {
  await using world = await createWatchWorld()
  const nowMs = world.clock.now().getTime()
  const oldMs = nowMs - 500 * DAY_MS
  const many = `with recursive n (i) as (select 0 union all select i + 1 from n where i < 11999)`
  await world.ctx.store.write([
    {
      sql: `insert into marker (id, service_id, at_ms, what, feature_ids, regions, note, author)
        ${many} select 'm' || i, 's', :oldMs + i, 'release', '[]', '[]', '', '' from n`,
      params: { oldMs },
    },
    {
      sql: `insert into report_minute (service_id, at_ms, feature_id, region, count, trusted)
        ${many} select 's', :oldMs + i * 60000, '', '', 1, 1 from n`,
      params: { oldMs },
    },
  ])
  await sweep(world.ctx)
  expect(countOf(world, 'marker')).toBe(0)
  expect(countOf(world, 'report_minute')).toBe(0)
})

test('the last change of a component stays, however old', async () => {
  await using world = await createWatchWorld()
  const nowMs = world.clock.now().getTime()
  const change = (atMs: number) => ({
    sql: `insert into component_change (service_id, feature_id, at_ms, status, state)
      values ('s', 'f', :atMs, 'operational', 'up')`,
    params: { atMs },
  })
  await world.ctx.store.write([change(nowMs - 900 * DAY_MS), change(nowMs - 500 * DAY_MS)])
  await sweep(world.ctx)
  expect(world.ctx.store.all('select at_ms from component_change')).toEqual([{ at_ms: nowMs - 500 * DAY_MS }])
})

test('salts go with their reports and links when they have run out; what else is kept by a name stays', async () => {
  await using world = await createWatchWorld()
  const nowMs = world.clock.now().getTime()
  const keep = (name: string, value = '') => ({
    sql: 'insert into kept (name, value, at_ms) values (:name, :value, :nowMs)',
    params: { name, value, nowMs },
  })
  await world.ctx.store.write([
    keep('report-salt-1'),
    keep('report-saltless'),
    keep('vapid'),
    keep('invitation-old', JSON.stringify({ untilMs: nowMs + 2 * DAY_MS })),
    keep('invitation-new', JSON.stringify({ untilMs: nowMs + 3 * DAY_MS })),
    keep('invitation-first', JSON.stringify({ untilMs: null })),
  ])
  world.clock.advance(2 * DAY_MS + 1)
  await sweep(world.ctx)
  const names = world.ctx.store.all<{ name: string }>('select name from kept order by name')
  expect(names.map(({ name }) => name)).toEqual([
    'invitation-first',
    'invitation-new',
    'report-saltless',
    'vapid',
  ])
})
