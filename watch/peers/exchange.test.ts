import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { environmentWith, loadWatchConfig } from '../app/config.ts'
import { signMessage } from '../http/signature.ts'
import { incidentById, listIncidents } from '../incidents/index.ts'
import { openOwnKey, openPeers } from './index.ts'
import { readPiece } from './log-piece.ts'
import { ID_OF_C, logOf, makeMessage, say, statementOf } from './messages.fixtures.ts'
import { createKnowingWorld, KEY_OF_C, makeKey, see, startPair } from './pair.fixtures.ts'
import { EXCHANGE_PATH, MESSAGE_MAX_BYTES, STATEMENTS_MAX } from './protocol.ts'
import { listPeers } from './records.ts'
import { STATEMENT_MAX_FEATURES } from './statement.ts'

const MINUTE_MS = 60_000

test('only who is known by a key is heard, in its own name, once, and in time', async () => {
  await using pair = await startPair()
  const nonce = 'a-nonce-that-is-used-twice'
  expect(await say(pair.a, makeMessage(), { nonce })).toMatchObject({ status: 200 })
  expect(await say(pair.a, makeMessage(), { nonce })).toMatchObject({
    status: 409,
    json: { code: 'message-replayed' },
  })
  // Nobody's key, and c's own under the names of others.
  for (const how of [{ key: makeKey('c') }, { keyId: 'b' }, { keyId: 'a' }, { keyId: 'd' }])
    expect(await say(pair.a, makeMessage(), how)).toMatchObject({
      status: 401,
      json: { code: 'signature-wrong' },
    })
  const asB = makeMessage({ watch: { id: 'b', epoch: 'cccccccccccc', url: null } })
  expect(await say(pair.a, asB)).toMatchObject({
    status: 401,
    json: { code: 'signature-wrong', detail: 'c speaks for b.' },
  })
  for (const offsetMs of [-5 * MINUTE_MS - 1, 5 * MINUTE_MS + 1])
    expect(await say(pair.a, makeMessage(), { offsetMs })).toMatchObject({ json: { code: 'message-stale' } })
  expect(listPeers(pair.a.world.ctx.store).map(({ id }) => id)).toEqual(['c'])
})

test('what is signed is the place, the time and every byte of the message', async () => {
  await using pair = await startPair()
  const { url, world } = pair.a
  const body = Buffer.from(JSON.stringify(makeMessage()))
  const nonce = 'a-nonce-of-sixteen-and-more'
  const headers = signMessage(
    'c',
    { algorithm: 'ed25519', privateKey: KEY_OF_C.privateKey },
    { method: 'POST', path: EXCHANGE_PATH, body },
    { nowMs: world.clock.now().getTime(), nonce },
  )
  const send = async (path: string, changes: Record<string, string>, bytes = body) =>
    (
      await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers, ...changes },
        body: bytes,
      })
    ).status
  expect(await send(`${EXCHANGE_PATH}?again`, {})).toBe(401)
  expect(await send(EXCHANGE_PATH, { 'upbeat-nonce': `${nonce}2` })).toBe(401)
  expect(await send(EXCHANGE_PATH, { 'upbeat-timestamp': String(world.clock.now().getTime() + 1) })).toBe(401)
  expect(await send(EXCHANGE_PATH, {}, Buffer.concat([body, Buffer.from(' ')]))).toBe(401)
  expect(await send(EXCHANGE_PATH, {})).toBe(200)
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

test('what answers without a key that is known is not believed', async () => {
  const impostor = createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(makeMessage())),
  )
  impostor.listen(0, '127.0.0.1')
  await once(impostor, 'listening')
  await using world = await createKnowingWorld(makeKey('a'), [KEY_OF_C])
  const url = `http://127.0.0.1:${(impostor.address() as AddressInfo).port}`
  const peers = await openPeers(world.ctx, { ...world.ctx.config.peer!, url })
  await expect(peers.exchange()).rejects.toThrow(/none of the keys that are known here/)
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

test('what was said once is not said again, and nobody’s words but one’s own are', async () => {
  await using pair = await startPair()
  await see(pair.a)
  await pair.pass(6)
  const { ctx } = pair.a.world
  const place = listPeers(pair.b.world.ctx.store)[0]!.cursor
  expect(readPiece(ctx, pair.a.peers.self, place)).toMatchObject({ statements: [], isMore: false })
  const back = listPeers(ctx.store)[0]!.cursor
  expect(readPiece(pair.b.world.ctx, pair.b.peers.self, 0)).toMatchObject({ statements: [], toSeq: back })
})

test('a message takes fifty statements at most; the rest follows, and none is too large for a message', async () => {
  await using pair = await startPair()
  for (let count = 0; count < STATEMENTS_MAX + 1; count++) await see(pair.a)
  const { ctx } = pair.a.world
  const first = readPiece(ctx, pair.a.peers.self, 0)
  expect(first).toMatchObject({ toSeq: STATEMENTS_MAX, isMore: true })
  expect(first.statements).toHaveLength(STATEMENTS_MAX)
  expect(readPiece(ctx, pair.a.peers.self, first.toSeq)).toMatchObject({
    statements: [expect.anything()],
    isMore: false,
  })

  const many = Array.from({ length: 20_000 }, (_, index) => `a-feature-with-a-long-name-${index}`)
  await see(pair.a, { facts: { featureIds: many } })
  const { statements } = readPiece(ctx, pair.a.peers.self, STATEMENTS_MAX + 1)
  expect(statements[0]!.featureIds).toHaveLength(STATEMENT_MAX_FEATURES)
})

test('a watch that lost its data is another one, which nobody believes until its new key is set', async () => {
  await using pair = await startPair()
  const lost = await see(pair.a)
  await pair.pass(6)
  await pair.a.stop()
  const [newKey, keyOfB] = [
    makeKey('a'),
    { ...makeKey('b'), line: (await openOwnKey(pair.b.world.ctx)).line },
  ]
  await using anew = await createKnowingWorld(newKey, [keyOfB])
  const peers = await openPeers(anew.ctx, { ...anew.ctx.config.peer!, url: pair.b.url })
  await expect(peers.exchange()).rejects.toThrow(/401 \(signature-wrong\)/)
  // What it said stays with the one that heard it.
  expect(incidentById(pair.b.world.ctx, lost.id)).toMatchObject({ state: 'confirmed' })
})

test('what a watch said before it lost its data the other calls over by its own evidence, though it is not silent', async () => {
  await using pair = await startPair()
  const { ctx } = pair.a.world
  const before = await statementOf(pair.b, { featureIds: ['video'] })
  await say(pair.a, makeMessage({ log: logOf([before]) }))
  expect(incidentById(ctx, ID_OF_C)).toMatchObject({ state: 'confirmed' })
  const anew = makeMessage({ watch: { id: 'c', epoch: 'dddddddddddd', url: null } })
  for (let count = 0; count < 15; count++) {
    await pair.pass(10)
    await say(pair.a, anew)
  }
  expect(incidentById(ctx, ID_OF_C)).toMatchObject({ state: 'resolved', witnesses: [{ isSilent: false }] })
})

test('the own key is made once, and nobody else reads what it signs with', async () => {
  await using pair = await startPair()
  const { ctx } = pair.a.world
  const [first, second] = [await openOwnKey(ctx), await openOwnKey(ctx)]
  expect(first.line).toBe(second.line)
  expect(first.line).toMatch(/^a=ed25519:[\w-]{43}$/)
  expect(
    pair.b.world.ctx.config.peer!.keys.map(({ id, publicKey }) => `${id}=ed25519:${publicKey}`),
  ).toContain(first.line)
})

const [A_LINE, B_LINE] = [makeKey('a').line, makeKey('b').line]
test.each([
  ['an address without a key', { WATCH_PEER_URL: 'https://b.example' }, /WATCH_PEER_KEY/],
  ['a key without a name of its own', { WATCH_PEER_KEY: B_LINE }, /WATCH_ID/],
  [
    'a secret as both had it once',
    { WATCH_PEER_KEY: 'a key that two watches share', WATCH_ID: 'a' },
    /peer-key prints/,
  ],
  ['a key that is too short', { WATCH_PEER_KEY: B_LINE.slice(0, -1), WATCH_ID: 'a' }, /peer-key prints/],
  [
    'the own key, or one of a second watch of this name',
    { WATCH_PEER_KEY: A_LINE, WATCH_ID: 'a' },
    /WATCH_ID/,
  ],
  [
    'two keys of one name',
    { WATCH_PEER_KEY: `${B_LINE},${makeKey('b').line}`, WATCH_ID: 'a' },
    /each of another/,
  ],
  [
    'more watches than a handful',
    {
      WATCH_PEER_KEY: Array.from({ length: 9 }, (_, index) => makeKey(`w${index}`).line).join(','),
      WATCH_ID: 'a',
    },
    /one to 8/,
  ],
  [
    'an address that is none',
    { WATCH_PEER_URL: 'b.example', WATCH_PEER_KEY: B_LINE, WATCH_ID: 'a' },
    /WATCH_PEER_URL/,
  ],
])('%s is refused with what to do', (_, changes, message) => {
  expect(() => loadWatchConfig(environmentWith(changes as Record<string, string>))).toThrow(message)
})

test('eight other watches have room', () => {
  const WATCH_PEER_KEY = Array.from({ length: 8 }, (_, index) => makeKey(`w${index}`).line).join(', ')
  expect(loadWatchConfig(environmentWith({ WATCH_PEER_KEY, WATCH_ID: 'a' })).peer!.keys).toHaveLength(8)
})
