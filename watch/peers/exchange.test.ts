import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { environmentWith, loadWatchConfig } from '../app/config.ts'
import { incidentById, listIncidents } from '../incidents/index.ts'
import { createWatchWorld } from '../pages/world.fixtures.ts'
import { openPeers } from './index.ts'
import { readPiece } from './log-piece.ts'
import { ID_OF_C, logOf, makeMessage, say, statementOf } from './messages.fixtures.ts'
import { KEY, see, startPair } from './pair.fixtures.ts'
import { MESSAGE_MAX_BYTES, STATEMENTS_MAX } from './protocol.ts'
import { listPeers } from './records.ts'
import { STATEMENT_MAX_FEATURES } from './statement.ts'

const MINUTE_MS = 60_000

test('only who has the key is heard, once, and in time', async () => {
  await using pair = await startPair()
  const nonce = 'a-nonce-that-is-used-twice'
  expect(await say(pair.a, makeMessage(), { nonce })).toMatchObject({ status: 200 })
  expect(await say(pair.a, makeMessage(), { nonce })).toMatchObject({
    status: 409,
    json: { code: 'message-replayed' },
  })
  expect(await say(pair.a, makeMessage(), { key: 'another key of sixteen' })).toMatchObject({
    status: 401,
    json: { code: 'signature-wrong' },
  })
  expect(await say(pair.a, makeMessage(), { keyId: 'd' })).toMatchObject({
    status: 401,
    json: { code: 'signature-wrong', detail: 'd speaks for c.' },
  })
  for (const offsetMs of [-5 * MINUTE_MS - 1, 5 * MINUTE_MS + 1])
    expect(await say(pair.a, makeMessage(), { offsetMs })).toMatchObject({ json: { code: 'message-stale' } })
  expect(listPeers(pair.a.world.ctx.store).map(({ id }) => id)).toEqual(['c'])
})

test('a second watch of the same name is refused, and told what to do', async () => {
  await using pair = await startPair()
  const twin = makeMessage({ watch: { id: 'a', epoch: 'cccccccccccc', url: null } })
  expect(await say(pair.a, twin, { keyId: 'a' })).toMatchObject({
    status: 409,
    json: { code: 'peer-has-our-name', next: expect.stringContaining('WATCH_ID') },
  })
})

test('what does not fit is refused whole, with the field that is wrong', async () => {
  await using pair = await startPair()
  const good = await statementOf(pair.a)
  const features = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`)
  const most = { ...good, featureIds: features(STATEMENT_MAX_FEATURES), updates: [] }
  const tooMany = { ...most, incidentId: 'toomanythere', featureIds: features(STATEMENT_MAX_FEATURES + 1) }
  expect(await say(pair.a, makeMessage({ log: logOf([most]) }))).toMatchObject({ status: 200 })
  expect(await say(pair.a, makeMessage({ log: logOf([tooMany]) }))).toMatchObject({
    status: 400,
    json: { code: 'invalid-input', fields: { 'log.statements.0.featureIds': expect.any(String) } },
  })
  expect(incidentById(pair.a.world.ctx, 'toomanythere')).toBeNull()
  const large = makeMessage({
    view: [],
    log: { ...logOf([]), statements: ['x'.repeat(MESSAGE_MAX_BYTES)] as never },
  })
  expect(await say(pair.a, large)).toMatchObject({ status: 413, json: { code: 'body-too-large' } })
})

test('a word from the future is not kept: it would stand before all that is true', async () => {
  await using pair = await startPair()
  const nowMs = pair.a.world.clock.now().getTime()
  const soon = await statementOf(pair.a, { version: nowMs + 5 * MINUTE_MS })
  const late = { ...soon, incidentId: 'latelatelate', version: nowMs + 5 * MINUTE_MS + 1 }
  await say(pair.a, makeMessage({ log: logOf([soon, late]) }))
  expect(incidentById(pair.a.world.ctx, ID_OF_C)).not.toBeNull()
  expect(incidentById(pair.a.world.ctx, 'latelatelate')).toBeNull()
})

test('hostile words of a peer are shown as words', async () => {
  await using pair = await startPair()
  const hostile = '<script>alert(1)</script>'
  const said = await statementOf(pair.a, { title: hostile, featureIds: ['video'] })
  const updates = said.updates.map((update) => ({ ...update, id: 'hostilewords', body: hostile }))
  await say(pair.a, makeMessage({ log: logOf([{ ...said, updates }]) }))
  for (const path of ['/s/upbeat', `/s/upbeat/incidents/${ID_OF_C}`]) {
    const page = await (await fetch(`${pair.a.url}${path}`)).text()
    expect(page).toContain('&#60;script&#62;alert(1)')
    expect(page).not.toContain(hostile)
  }
})

test('what answers without the key is not believed', async () => {
  const impostor = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(makeMessage())),
  )
  impostor.listen(0, '127.0.0.1')
  await once(impostor, 'listening')
  await using world = await createWatchWorld({ env: { WATCH_ID: 'a', WATCH_PEER_KEY: KEY } })
  const url = `http://127.0.0.1:${(impostor.address() as AddressInfo).port}`
  const peers = await openPeers(world.ctx, { url, key: KEY })
  await expect(peers.exchange()).rejects.toThrow(/does not have the key/)
  expect(listPeers(world.ctx.store)).toEqual([])
  impostor.closeAllConnections()
  impostor.close()
})

test('one side that reaches the other is enough', async () => {
  await using pair = await startPair()
  const [ours, theirs] = [await see(pair.a, { facts: { featureIds: ['video'] } }), await see(pair.b)]
  await pair.a.peers.exchange()
  for (const { world } of [pair.a, pair.b])
    expect(
      listIncidents(world.ctx, { serviceId: 'upbeat' })
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([ours.id, theirs.id].toSorted())
})

test('what was said once is not said again', async () => {
  await using pair = await startPair()
  await see(pair.a)
  await pair.pass(6)
  const { ctx } = pair.a.world
  const b = listPeers(ctx.store)[0]!
  const to = { origin: b.id, epoch: b.epoch }
  const place = listPeers(pair.b.world.ctx.store)[0]!.cursor
  expect(readPiece(ctx, pair.a.peers.self, place, to)).toMatchObject({ statements: [], isMore: false })
  // Nor is b told what it said itself.
  const back = listPeers(ctx.store)[0]!.cursor
  const fromB = readPiece(pair.b.world.ctx, pair.b.peers.self, 0, pair.a.peers.self)
  expect(fromB).toMatchObject({ statements: [], toSeq: back })
})

test('a message takes fifty statements at most; the rest follows, and none is too large for a message', async () => {
  await using pair = await startPair()
  for (let count = 0; count < STATEMENTS_MAX + 1; count++) await see(pair.a)
  const { ctx } = pair.a.world
  const first = readPiece(ctx, pair.a.peers.self, 0, null)
  expect(first).toMatchObject({ toSeq: STATEMENTS_MAX, isMore: true })
  expect(first.statements).toHaveLength(STATEMENTS_MAX)
  expect(readPiece(ctx, pair.a.peers.self, first.toSeq, null)).toMatchObject({
    statements: [expect.anything()],
    isMore: false,
  })

  const many = Array.from({ length: 20_000 }, (_, index) => `a-feature-with-a-long-name-${index}`)
  await see(pair.a, { facts: { featureIds: many } })
  const { statements } = readPiece(ctx, pair.a.peers.self, STATEMENTS_MAX + 1, null)
  expect(statements[0]!.featureIds).toHaveLength(STATEMENT_MAX_FEATURES)
})

test('a watch that lost its data gets back what it had said, and is told apart from the one it was', async () => {
  await using pair = await startPair()
  const lost = await see(pair.a)
  await pair.pass(6)
  await pair.a.stop()
  await using anew = await createWatchWorld({ env: { WATCH_ID: 'a', WATCH_PEER_KEY: KEY } })
  const peers = await openPeers(anew.ctx, { url: pair.b.url, key: KEY })
  await peers.exchange()
  expect(incidentById(anew.ctx, lost.id)).toMatchObject({
    state: 'confirmed',
    witnesses: [{ watch: 'a', isSelf: false, isSilent: true }],
  })
})

test.each([
  ['an address without a key', { WATCH_PEER_URL: 'https://b.example' }, /WATCH_PEER_KEY/],
  ['a key without a name of its own', { WATCH_PEER_KEY: KEY }, /WATCH_ID/],
  ['a key that is too short', { WATCH_PEER_KEY: 'fifteen letters', WATCH_ID: 'a' }, /WATCH_PEER_KEY/],
  [
    'an address that is none',
    { WATCH_PEER_URL: 'b.example', WATCH_PEER_KEY: KEY, WATCH_ID: 'a' },
    /WATCH_PEER_URL/,
  ],
])('%s is refused with what to do', (_, changes, message) => {
  expect(() => loadWatchConfig(environmentWith(changes as Record<string, string>))).toThrow(message)
})
