/** What another watch that was taken over can not do: speak for us, end what we see, take pages away, fill the disk. */
import { expect, test } from 'vitest'
import { incidentById, listIncidents, statusOf } from '../incidents/index.ts'
import { findIncident } from '../incidents/records.ts'
import { startStaticExport } from '../pages/static-export.ts'
import { keepRoomSql, OPEN_KEPT, STATEMENTS_KEPT } from './admission.ts'
import { ID_OF_C, logOf, makeMessage, say, statementOf } from './messages.fixtures.ts'
import { see, startPair, type PairWatch } from './pair.fixtures.ts'
import { MESSAGES_BURST } from './peers.routes.ts'
import { listStatements, writeClosingSql, writeStatementSql } from './records.ts'
import { SILENT_AFTER_MS } from './silence.ts'
import { DURATION_MAX_MS, type Closing, type IncidentStatement } from './statement.ts'

const MINUTE_MS = 60_000
const EVERYTHING = { serviceId: null, endedAfterMs: 0, beforeMs: Number.MAX_SAFE_INTEGER }
const YEAR_9999 = 253_402_300_799_999

const sayStatements = (watch: PairWatch, ...statements: IncidentStatement[]) =>
  say(watch, makeMessage({ log: logOf(statements) }))
const sayClosings = (watch: PairWatch, closings: Closing[]) =>
  say(watch, makeMessage({ log: { ...logOf([]), closings } }))
const countOf = ({ world }: PairWatch, table: string): number =>
  world.ctx.store.get<{ count: number }>(`select count(*) as count from ${table}`)!.count
const idOf = (index: number): string => String(index).padStart(12, '0')

test.each(['../../../ESCAPED', 'index', 'x\0', 'ABCDEFGHIJKL', 'abcdefghijk', 'abcdefghijklm'])(
  'an id that is none of ours by its shape is refused: %j',
  async (id) => {
    await using pair = await startPair()
    const good = await statementOf(pair.a)
    const [update] = good.updates
    for (const changes of [{ incidentId: id }, { mergedInto: id }, { updates: [{ ...update!, id }] }])
      expect(await sayStatements(pair.a, { ...good, ...changes })).toMatchObject({
        status: 400,
        json: { code: 'invalid-input' },
      })
  },
)

test('a closing of what we said, but not as of a time that has not come, is said against by us', async () => {
  await using pair = await startPair()
  const { id, updatedAtMs } = await see(pair.a)
  const nowMs = pair.a.world.clock.now().getTime()
  const closing = { origin: 'a', incidentId: id, by: 'c', ofVersion: updatedAtMs, atMs: nowMs }
  for (const lie of [
    { ofVersion: YEAR_9999 },
    { ofVersion: nowMs + 5 * MINUTE_MS + 1 },
    { atMs: nowMs + 5 * MINUTE_MS + 1 },
    // More than we ever said of it.
    { ofVersion: updatedAtMs + 1 },
    {},
  ]) {
    expect((await sayClosings(pair.a, [{ ...closing, ...lie }])).status).toBe(200)
    expect(incidentById(pair.a.world.ctx, id)).toMatchObject({ state: 'confirmed', resolvedAtMs: null })
  }
  expect(findIncident(pair.a.world.ctx.store, id)!.updatedAtMs).toBe(updatedAtMs + 1)
})

test('nobody speaks of our incidents in our name', async () => {
  await using pair = await startPair()
  const { ctx, clock } = pair.a.world
  const said = await statementOf(pair.a)
  const [ours] = listIncidents(ctx, { serviceId: 'upbeat' })
  const nowMs = clock.now().getTime()
  const forged: IncidentStatement = {
    ...said,
    origin: 'a',
    incidentId: ours!.id,
    version: nowMs + MINUTE_MS,
    title: 'FORGED',
    state: 'resolved',
    resolvedAtMs: nowMs,
  }
  await sayStatements(pair.a, forged)
  expect(listIncidents(ctx, { serviceId: 'upbeat' })).toEqual([ours])
  // One that was kept before the incident was ours.
  await ctx.store.write([writeStatementSql(forged)])
  expect(listIncidents(ctx, { serviceId: 'upbeat' })).toEqual([ours])
  expect(incidentById(ctx, ours!.id)).toEqual(ours)
})

test('no word of a person comes from the future, and none takes the place of ours', async () => {
  await using pair = await startPair()
  const { ctx, clock } = pair.a.world
  const said = await statementOf(pair.a)
  const [ours] = listIncidents(ctx, { serviceId: 'upbeat' })
  const late = clock.now().getTime() + 5 * MINUTE_MS + 1
  const [update] = said.updates
  const { human } = said
  for (const changes of [
    { human: { ...human, state: { value: 'resolved', atMs: late } } },
    { human: { ...human, cause: { value: 'attack', atMs: late } } },
    { human: { ...human, title: { value: 'FORGED', atMs: late } } },
    { updates: [{ ...update!, atMs: late }] },
    { explanation: { body: 'FORGED', at: late, author: 'c' } },
    { startedAtMs: late },
  ] satisfies Partial<IncidentStatement>[])
    await sayStatements(pair.a, { ...said, ...changes })
  expect(listIncidents(ctx, { serviceId: 'upbeat' })).toEqual([ours])

  const { id } = ours!.updates[0]!
  for (const [index, startedAtMs] of [said.startedAtMs - 1, said.startedAtMs + 1].entries()) {
    const updates = [{ ...update!, id, body: 'FORGED' }]
    await sayStatements(pair.a, { ...said, version: said.version + index + 1, startedAtMs, updates })
    const shown = incidentById(ctx, ours!.id)!
    expect(shown.witnesses).toMatchObject([{ startedAtMs: Math.min(startedAtMs, said.startedAtMs) }, {}])
    expect(shown.updates).toMatchObject([{ id, body: 'confirmed, as a sees it' }])
  }
})

test('no figure of another watch takes status.json or the files away', async () => {
  await using pair = await startPair()
  const said = await statementOf(pair.a, { featureIds: ['video'] })
  const forecast = (medianMs: number) => ({ medianMs, lowMs: 0, highMs: DURATION_MAX_MS })
  for (const changes of [
    { forecast: forecast(DURATION_MAX_MS + 1) },
    { forecast: forecast(-1) },
    { officialLagMs: 1e300 },
    { contributions: { probes: 1e300 } },
  ])
    expect(await sayStatements(pair.a, { ...said, ...changes })).toMatchObject({ status: 400 })
  expect(await sayStatements(pair.a, { ...said, forecast: forecast(DURATION_MAX_MS) })).toMatchObject({
    status: 200,
  })
  expect(incidentById(pair.a.world.ctx, ID_OF_C)).not.toBeNull()
  expect((await fetch(`${pair.a.url}/api/v1/services/upbeat/status.json`)).status).toBe(200)
  await using exporting = startStaticExport(pair.a.world.ctx, `${pair.a.world.dir}/export`)
  await expect(exporting.write()).resolves.toBe(0)
})

test('what is not of here is not kept: other services, ends of what nobody told', async () => {
  await using pair = await startPair()
  const said = await statementOf(pair.a, { serviceId: 'not-watched-here' })
  await sayStatements(pair.a, said)
  const closing = { origin: 'd', incidentId: idOf(1), by: 'c', ofVersion: 1, atMs: 1 }
  await sayClosings(pair.a, [closing, { ...closing, origin: 'a' }])
  expect([countOf(pair.a, 'peer_statement'), countOf(pair.a, 'peer_closing')]).toEqual([0, 0])
})

test('of incidents of other watches nobody’s word is taken but their own', async () => {
  await using pair = await startPair()
  await see(pair.b)
  await pair.pass(6)
  const { ctx } = pair.a.world
  const said = await statementOf(pair.a)
  const [known] = listStatements(ctx.store, EVERYTHING)
  expect(known).toMatchObject({ origin: 'b' })
  const lies: IncidentStatement[] = [
    { ...known!, title: 'FORGED', version: known!.version + 1 },
    { ...said, origin: 'd' },
    { ...said, origin: 'a' },
    { ...said, epoch: 'dddddddddddd' },
  ]
  await sayStatements(pair.a, ...lies)
  expect(listStatements(ctx.store, EVERYTHING)).toEqual([known])
  const { incidentId, version, startedAtMs } = known!
  const closing = { origin: 'b', incidentId, by: 'd', ofVersion: version, atMs: startedAtMs }
  await sayClosings(pair.a, [closing, { ...closing, by: 'a' }, { ...closing, by: 'b' }])
  expect(countOf(pair.a, 'peer_closing')).toBe(0)
})

test('nobody calls over what a third watch says that is heard here; once it is silent, the others may', async () => {
  await using pair = await startPair()
  const { id } = await see(pair.b)
  await pair.pass(6)
  const { ctx, clock } = pair.a.world
  const [known] = listStatements(ctx.store, EVERYTHING)
  const callOver = () =>
    sayClosings(pair.a, [
      {
        origin: 'b',
        incidentId: id,
        by: 'c',
        ofVersion: known!.version,
        atMs: clock.now().getTime(),
      },
    ])
  await callOver()
  expect(incidentById(ctx, id)).toMatchObject({ state: 'confirmed' })
  pair.cut()
  await pair.pass(SILENT_AFTER_MS / 1_000 + 1)
  await callOver()
  expect(incidentById(ctx, id)).toMatchObject({ state: 'resolved' })
})

test('one watch’s words take a bounded room, and what is open stays the longest', async () => {
  await using pair = await startPair()
  const { ctx } = pair.a.world
  const said = await statementOf(pair.a, { featureIds: ['video'] })
  const many = (count: number, from: number, changes: Partial<IncidentStatement>) =>
    Array.from({ length: count }, (_, index) => ({
      ...said,
      incidentId: idOf(from + index),
      version: from + index,
      ...changes,
    }))
  const open = many(OPEN_KEPT, 1, {})
  await ctx.store.write(open.map(writeStatementSql))
  await ctx.store.write([
    writeClosingSql({ origin: 'c', incidentId: idOf(1), by: 'b', ofVersion: 1, atMs: 1 }),
  ])
  await sayStatements(pair.a, { ...said, incidentId: idOf(900), version: 900 })
  const isKept = (id: number) => incidentById(ctx, idOf(id)) !== null
  expect([isKept(1), isKept(2), isKept(900)]).toEqual([false, true, true])
  expect([countOf(pair.a, 'peer_statement'), countOf(pair.a, 'peer_closing')]).toEqual([OPEN_KEPT, 0])

  const over = many(STATEMENTS_KEPT - OPEN_KEPT + 1, 1_000, { state: 'resolved', resolvedAtMs: 2 })
  await ctx.store.write([...over.map(writeStatementSql), ...keepRoomSql('c', over)])
  expect(countOf(pair.a, 'peer_statement')).toBe(STATEMENTS_KEPT)
  expect([isKept(2), isKept(1_000)]).toEqual([true, false])
  expect(countOf(pair.a, "peer_log where origin = 'c'")).toBe(STATEMENTS_KEPT)
})

test('who speaks all the time waits, and the other watch is heard', async () => {
  await using pair = await startPair()
  await pair.pass(6)
  for (let count = 0; count < MESSAGES_BURST; count++) await say(pair.a, makeMessage())
  expect(await say(pair.a, makeMessage())).toMatchObject({
    status: 429,
    json: { code: 'too-many-requests' },
  })
  await pair.b.peers.exchange()
  await pair.pass(1)
  expect((await say(pair.a, makeMessage({ view: [] }))).status).not.toBe(429)
  expect(statusOf(pair.a.world.ctx, 'upbeat').peers!.find(({ watch }) => watch === 'b')).toMatchObject({
    isSilent: false,
  })
})
