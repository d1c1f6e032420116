/** Outages in public accounts: against servers that speak as Mastodon's and Bluesky's do. */
import { expect, test } from 'vitest'
import { WatchError } from '../../app/errors.ts'
import { mergeIncidents, postUpdate, scheduleMaintenance } from '../../incidents/index.ts'
import { createWatchWorld, ENTRY, RESPONDER, type WatchWorld } from '../../pages/world.fixtures.ts'
import type { Store } from '../../store/index.ts'
import { openUploadIncident, worldWith } from '../telling.fixtures.ts'
import { startTelling } from '../telling.ts'
import { graphemesOf, startBluesky, startMastodon } from './networks.fixtures.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const mastodonIn = (url: string, more = '') => `
posts:
  - { id: fedi, kind: mastodon, url: '${url}', token: '\${MASTODON_TOKEN}', allowPrivate: true${more} }
`
const blueskyIn = (url: string) => `
posts:
  - { id: sky, kind: bluesky, url: '${url}', identifier: status.example, appPassword: '\${BLUESKY_PASSWORD}', allowPrivate: true }
`
const SECRETS = { MASTODON_TOKEN: 'right-token', BLUESKY_PASSWORD: 'aaaa-bbbb-cccc-dddd' }
const worldPosting = (posts: string, env: Record<string, string> = {}) =>
  worldWith(undefined, { posts, env: { ...SECRETS, ...env } })

const startFedi = () => startMastodon({ token: SECRETS.MASTODON_TOKEN })
const startSky = () => startBluesky({ identifier: 'status.example', appPassword: SECRETS.BLUESKY_PASSWORD })

type State = 'identified' | 'mitigating' | 'recovering' | 'resolved'

async function say(world: WatchWorld, incidentId: string, state: State, body: string): Promise<void> {
  world.clock.advance(MINUTE_MS)
  await postUpdate(world.ctx, { actor: RESPONDER, incidentId, state, body })
}

const postStates = (world: WatchWorld) =>
  world.ctx.store
    .all<{ state: string }>('select state from post order by at_ms, rowid')
    .map(({ state }) => state)

test('on Mastodon an outage is one thread: opened, its steps as replies, resolved', async () => {
  await using fedi = await startFedi()
  await using world = await worldPosting(mastodonIn(fedi.url, ', visibility: unlisted, language: de'))
  await using telling = await startTelling(world.ctx)
  const id = await openUploadIncident(world)
  await say(world, id, 'identified', 'A disk is full.')
  await say(world, id, 'resolved', 'It works again.')
  await telling.round()
  await telling.round()
  await telling.round()

  const [root, reply, last] = fedi.statuses
  expect(root!.status).toBe(
    `Upbeat: Upload does not work in Europe (confirmed)\n\nWe are <looking>.\n\nhttps://watch.example/s/upbeat/incidents/${id}`,
  )
  expect(root).toMatchObject({ visibility: 'unlisted', language: 'de', in_reply_to_id: null })
  expect(reply).toMatchObject({ in_reply_to_id: root!.id })
  expect(reply!.status).toMatch(/^Cause found: A disk is full\.\n\nhttps:/)
  expect(last).toMatchObject({ in_reply_to_id: reply!.id })
  expect(fedi.statuses).toHaveLength(3)
})

test('on Bluesky the thread knows its root and its parent, and the link lies on its bytes', async () => {
  await using sky = await startSky()
  await using world = await worldPosting(blueskyIn(sky.url))
  await using telling = await startTelling(world.ctx)
  const id = await openUploadIncident(world)
  await say(world, id, 'identified', 'Eine Platte ist voll: ü, 日本, 👩‍👩‍👧‍👦.')
  await say(world, id, 'resolved', 'It works again.')
  for (let i = 0; i < 3; i++) await telling.round()

  const [root, reply, last] = sky.posts()
  expect(reply!.record.reply).toEqual({
    root: { uri: root!.uri, cid: root!.cid },
    parent: { uri: root!.uri, cid: root!.cid },
  })
  expect(last!.record.reply).toEqual({
    root: { uri: root!.uri, cid: root!.cid },
    parent: { uri: reply!.uri, cid: reply!.cid },
  })
  const { byteStart, byteEnd } = reply!.record.facets![0]!.index
  expect(Buffer.from(reply!.record.text).subarray(byteStart, byteEnd).toString()).toBe(
    `https://watch.example/s/upbeat/incidents/${id}`,
  )
  expect(sky.counts.created).toBe(1)
})

test('what an operator says between is posted, too; what the watch counts meanwhile is not', async () => {
  await using fedi = await startFedi()
  await using world = await worldPosting(mastodonIn(fedi.url))
  await using telling = await startTelling(world.ctx)
  const id = await openUploadIncident(world)
  await say(world, id, 'mitigating', 'New disks are on their way.')
  const atMs = world.clock.now().getTime() + 1
  await world.ctx.store.write([
    {
      sql: `insert into incident_update (id, incident_id, at_ms, state, body, author, affected)
        values ('watched00001', :id, :atMs, 'recovering', '3 of 7 parts work again.', 'watch', '[]')`,
      params: { id, atMs },
    },
  ])
  await say(world, id, 'resolved', 'It works again.')
  for (let i = 0; i < 3; i++) await telling.round()
  expect(fedi.statuses.map(({ status }) => status.split(/[:\n]/, 1)[0])).toEqual([
    'Upbeat',
    'Being mended',
    'Over',
  ])
})

test('the thread of an incident that becomes part of another says so, and ends', async () => {
  await using fedi = await startFedi()
  await using world = await worldPosting(mastodonIn(fedi.url))
  await using telling = await startTelling(world.ctx)
  const [first, second] = [await openUploadIncident(world), await openUploadIncident(world)]
  await telling.round()
  world.clock.advance(MINUTE_MS)
  await mergeIncidents(world.ctx, { actor: RESPONDER, intoId: first, incidentIds: [second] })
  await telling.round()
  await say(world, first, 'resolved', 'It works again.')
  for (let i = 0; i < 2; i++) await telling.round()
  const ends = fedi.statuses.slice(2)
  expect(ends.map(({ status }) => status.split(':', 1)[0])).toEqual(['Part of another incident', 'Over'])
  expect(ends[0]!.status).toContain('“Upload does not work in Europe”')
})

test('maintenance is posted, unless the account leaves it out', async () => {
  await using fedi = await startFedi()
  await using quiet = await startFedi()
  await using world = await worldPosting(
    `${mastodonIn(fedi.url)}  - { id: quiet, kind: mastodon, url: '${quiet.url}', token: right-token, allowPrivate: true, maintenance: false }\n`,
  )
  await using telling = await startTelling(world.ctx)
  const nowMs = world.clock.now().getTime()
  await scheduleMaintenance(world.ctx, {
    actor: RESPONDER,
    serviceId: 'upbeat',
    title: 'New disks',
    body: 'Search is away.',
    featureIds: [],
    regions: [],
    scheduledForMs: nowMs + HOUR_MS,
    scheduledUntilMs: nowMs + 2 * HOUR_MS,
  })
  await telling.round()
  expect(fedi.statuses).toMatchObject([{ status: expect.stringContaining('Upbeat: New disks (announced)') }])
  expect(quiet.statuses).toEqual([])
})

test.each([
  ['Mastodon', async () => startFedi(), mastodonIn],
  ['Bluesky', async () => startSky(), blueskyIn],
])('an answer of %s that is lost makes no second post, also after a restart', async (_, start, inFile) => {
  await using network = await start()
  const countOf = () => ('statuses' in network ? network.statuses.length : network.posts().length)
  await using world = await worldPosting(inFile(network.url))
  network.mood.isCut = true
  {
    await using telling = await startTelling(world.ctx)
    await openUploadIncident(world)
    await telling.round()
    expect(countOf()).toBe(1)
    expect(postStates(world)).toEqual(['waiting'])
  }
  world.clock.advance(MINUTE_MS)
  await using again = await startTelling(world.ctx)
  await again.round()
  expect(postStates(world)).toEqual(['sent'])
  expect(countOf()).toBe(1)
  if ('counts' in network) expect(network.counts.commits).toBe(1)
})

test('a session of Bluesky is used again, renewed when it has run out, and begun anew when it can not be', async () => {
  await using sky = await startSky()
  await using world = await worldPosting(blueskyIn(sky.url))
  await using telling = await startTelling(world.ctx)
  const id = await openUploadIncident(world)
  await telling.round()
  await say(world, id, 'identified', 'One.')
  await telling.round()
  expect(sky.counts).toMatchObject({ created: 1, refreshed: 0 })
  sky.expire()
  await say(world, id, 'mitigating', 'Two.')
  await telling.round()
  expect(sky.counts).toMatchObject({ created: 1, refreshed: 1 })
  sky.expireAll()
  await say(world, id, 'resolved', 'Three.')
  await telling.round()
  expect(sky.counts).toMatchObject({ created: 2, refreshed: 2 })
  expect(postStates(world)).toEqual(['sent', 'sent', 'sent', 'sent'])
})

test.each([
  ['Mastodon', async () => startFedi(), mastodonIn, { MASTODON_TOKEN: 'wrong-secret' }, 'write:statuses'],
  ['Bluesky', async () => startSky(), blueskyIn, { BLUESKY_PASSWORD: 'wrong-secret' }, 'app password'],
])(
  'a secret that %s refuses loses no post, is said to the operator, and stands nowhere',
  async (_, start, inFile, env, remedy) => {
    await using network = await start()
    await using world = await worldPosting(inFile(network.url), env)
    await using telling = await startTelling(world.ctx)
    await openUploadIncident(world)
    await telling.round()
    await telling.round()
    expect(network.asked).toHaveLength(1)
    expect(postStates(world)).toEqual(['waiting'])
    const [trouble] = world.ctx.troubles.list()
    expect(trouble!.remedy).toContain(remedy)
    expect(JSON.stringify([trouble, world.ctx.store.all('select * from post')])).not.toContain('wrong-secret')
  },
)

test('while an account is refused it is asked ever more rarely; mended, it goes on where it was', async () => {
  await using sky = await startSky()
  await using world = await worldPosting(blueskyIn(sky.url))
  await using telling = await startTelling(world.ctx)
  sky.changePassword('another')
  const id = await openUploadIncident(world)
  await telling.round()
  for (const restMs of [10_000, 20_000, 40_000]) {
    const before = sky.asked.length
    world.clock.advance(restMs - 1)
    await telling.round()
    expect(sky.asked).toHaveLength(before)
    world.clock.advance(1)
    await telling.round()
    expect(sky.asked.length).toBeGreaterThan(before)
  }
  sky.changePassword(SECRETS.BLUESKY_PASSWORD)
  await say(world, id, 'resolved', 'It works again.')
  world.clock.advance(HOUR_MS)
  await telling.round()
  await telling.round()
  expect(postStates(world)).toEqual(['sent', 'sent'])
  expect(world.ctx.troubles.list()).toEqual([])
})

test('while the disk refuses to keep that a post went out, it does not go out again', async () => {
  await using fedi = await startFedi()
  await using world = await worldPosting(mastodonIn(fedi.url))
  await openUploadIncident(world)
  let refusals = 0
  const store: Store = {
    ...world.ctx.store,
    write(statements) {
      const isOutcome = statements.some(({ sql }) => sql.startsWith('update post'))
      if (!isOutcome || refusals >= 2) return world.ctx.store.write(statements)
      refusals += 1
      return Promise.reject(new WatchError('storage-unavailable', { detail: 'The disk is full.' }))
    },
  }
  await using telling = await startTelling({ ...world.ctx, store })
  await telling.round()
  await telling.round()
  expect(refusals).toBe(2)
  expect(fedi.asked).toHaveLength(1)
  expect(postStates(world)).toEqual(['sent'])
})

test('a network that is down or busy is asked again when it wishes, for a day', async () => {
  await using fedi = await startFedi()
  await using world = await worldPosting(mastodonIn(fedi.url))
  await using telling = await startTelling(world.ctx)
  const resetsAt = new Date(world.clock.now().getTime() + 30 * MINUTE_MS).toISOString()
  fedi.mood.refusal = {
    status: 429,
    json: { error: 'Too many requests' },
    headers: { 'x-ratelimit-reset': resetsAt },
  }
  await openUploadIncident(world)
  await telling.round()
  expect(fedi.asked).toHaveLength(1)
  fedi.mood.refusal = { status: 503, json: { error: 'Remote data could not be fetched' } }
  world.clock.advance(30 * MINUTE_MS - 1)
  await telling.round()
  expect(fedi.asked).toHaveLength(1)
  world.clock.advance(1)
  await telling.round()
  expect(fedi.asked).toHaveLength(2)
  world.clock.advance(24 * HOUR_MS)
  await telling.round()
  expect(postStates(world)).toEqual(['given-up'])
})

test('a thread whose post was deleted on Mastodon begins anew, and goes on from there', async () => {
  await using fedi = await startFedi()
  await using world = await worldPosting(mastodonIn(fedi.url))
  await using telling = await startTelling(world.ctx)
  const id = await openUploadIncident(world)
  await telling.round()
  fedi.delete(fedi.statuses[0]!.id)
  await say(world, id, 'identified', 'A disk is full.')
  await telling.round()
  await say(world, id, 'resolved', 'It works again.')
  await telling.round()
  const [root, reply] = fedi.statuses
  expect(root).toMatchObject({ in_reply_to_id: null, status: expect.stringContaining('Upbeat: Upload') })
  expect(reply).toMatchObject({ in_reply_to_id: root!.id })
})

test('an account makes ten posts in ten minutes, and the others after them', async () => {
  await using fedi = await startFedi()
  await using world = await worldPosting(mastodonIn(fedi.url))
  await using telling = await startTelling(world.ctx)
  const id = await openUploadIncident(world)
  for (let i = 0; i < 11; i++)
    await postUpdate(world.ctx, { actor: RESPONDER, incidentId: id, state: 'identified', body: `Word ${i}.` })
  for (let i = 0; i < 15; i++) await telling.round()
  expect(fedi.statuses).toHaveLength(10)
  world.clock.advance(MINUTE_MS)
  for (let i = 0; i < 3; i++) await telling.round()
  expect(fedi.statuses).toHaveLength(11)
  world.clock.advance(MINUTE_MS)
  for (let i = 0; i < 3; i++) await telling.round()
  expect(fedi.statuses.at(-1)!.status).toContain('Word 10.')
})

test('long words are cut to what a network takes, the link never, and nobody is mentioned', async () => {
  await using fedi = await startFedi()
  await using sky = await startSky()
  await using world = await worldPosting(
    `${mastodonIn(fedi.url)}${blueskyIn(sky.url).replace('\nposts:\n', '')}`,
  )
  await using telling = await startTelling(world.ctx)
  const id = await openUploadIncident(world)
  await say(world, id, 'identified', `@everyone@example.org http://a.b ${'👩‍👩‍👧‍👦ü'.repeat(400)}`)
  for (let i = 0; i < 2; i++) await telling.round()
  const link = `https://watch.example/s/upbeat/incidents/${id}`
  const toot = fedi.statuses.at(-1)!.status
  const skeet = sky.posts().at(-1)!.record.text
  for (const text of [toot, skeet]) expect(text).toMatch(new RegExp(`…\\n\\n${link}$`))
  expect(toot).not.toMatch(/@\w/)
  expect(graphemesOf(skeet)).toBeLessThanOrEqual(300)
})

test('without a public address posts have no link, and the operator hears of it', async () => {
  await using fedi = await startFedi()
  await using world = await createWatchWorld({
    entries: { upbeat: `${ENTRY}${mastodonIn(fedi.url)}` },
    env: SECRETS,
  })
  await using telling = await startTelling(world.ctx)
  await openUploadIncident(world)
  await telling.round()
  expect(fedi.statuses[0]!.status).not.toContain('http')
  expect(world.ctx.troubles.list()).toMatchObject([{ id: 'public-url' }])
})
