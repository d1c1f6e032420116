import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { eventually } from '../../../tests/support/eventually.ts'
import { createFakeClock } from '../../../tests/support/world.ts'
import { createLog } from '../../../kit/log.ts'
import { makeTemporaryDir } from '../../../tests/support/temporary-dir.ts'
import type { Comment } from '../../../contract/social.ts'
import { commentAct } from '../../modules/comments/comments.acts.ts'
import { KEPT_VIEWS_PER_ACCOUNT, KEPT_VIEWS_PER_NETWORK } from '../../modules/reactions/kept-views.ts'
import { likeAct, viewsAct } from '../../modules/reactions/reactions.acts.ts'
import { doOrKeep } from './acts.ts'
import { ENTRIES_OF_ONE_MAX, openEntryJournal } from './entry-journal.ts'
import { openJournalWorld, openScene, tracesOf } from './journal.fixtures.ts'
import { refuseKnownHidden } from './known.ts'

const UNKNOWN_VIDEO = '01890000-0000-7000-8000-000000000000'
const viewOf = (videoId: string) => ({
  payload: { views: [{ videoId, key: videoId, watchedMs: 9_000, completions: 1, source: 'video' }] },
})

test('what people do while the database is away is acknowledged, and there afterwards as if done directly', async () => {
  await using journals = await openJournalWorld()
  const { world } = journals
  const { author, fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const direct = await world.account()
  await keeper.meet(direct)
  const actAs = async (account: typeof fan) => [
    await keeper.api.call('PUT', `/videos/${videoId}/like`, account),
    await keeper.api.call('PUT', `/videos/${videoId}/save`, account),
    await keeper.api.call('PUT', `/profiles/${author.handle}/follow`, account),
    await keeper.api.call('POST', `/videos/${videoId}/comments`, account, {
      payload: { body: ' Well made. ' },
    }),
    await keeper.api.call('POST', '/views', account, viewOf(videoId)),
  ]
  const before = new Date()
  await actAs(direct)

  journals.takeAway()
  const answers = await actAs(fan)
  const acknowledged = new Date()

  expect(answers.map((answer) => answer.statusCode)).toEqual([200, 200, 200, 201, 204])
  expect(answers.slice(0, 3).map((answer) => answer.json())).toEqual([
    { isLiked: true, isKept: true },
    { isSaved: true, isKept: true },
    { isFollowing: true, isKept: true },
  ])
  const kept = answers[3]!.json<Comment>()
  expect(kept).toMatchObject({ body: 'Well made.', isKept: true, author: { handle: fan.handle } })
  expect(keeper.ctx.journal!.pending()).toBe(5)
  expect(keeper.ctx.journal!.oldestAgeMs).toBeGreaterThanOrEqual(0)

  journals.giveBack()
  await keeper.replay()

  const [byJournal, byHand] = [await tracesOf(world, fan.id), await tracesOf(world, direct.id)]
  expect(byJournal.kinds).toEqual(byHand.kinds)
  expect(byJournal.told).toEqual(byHand.told)
  expect(byJournal.comments).toEqual([
    { id: kept.id, body: 'Well made.', created_at: new Date(kept.createdAt) },
  ])
  const times = [
    byJournal.likes,
    byJournal.saves,
    byJournal.follows,
    byJournal.events,
    byJournal.notifications,
  ]
  for (const { created_at: at } of times.flat()) {
    expect(at.getTime()).toBeGreaterThanOrEqual(before.getTime())
    expect(at.getTime()).toBeLessThanOrEqual(acknowledged.getTime())
  }
  expect(keeper.ctx.journal).toMatchObject({ oldestAgeMs: null, settled: { done: 5, void: 0 } })
  expect(keeper.ctx.journal!.pending()).toBe(0)
})

test('what can not be kept is refused honestly, and so is what can be seen to be wrong', async () => {
  await using journals = await openJournalWorld()
  const { author, fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  journals.takeAway()

  const block = await keeper.api.call('PUT', `/profiles/${author.handle}/block`, fan)
  expect(block.statusCode).toBe(503)
  const self = await keeper.api.call('PUT', `/profiles/${fan.handle.toUpperCase()}/follow`, fan)
  expect(self.json()).toMatchObject({ code: 'invalid-input', detail: "You can't follow yourself." })
  const unseen = await keeper.api.call('POST', `/videos/${videoId}/comments`, fan, {
    payload: { body: '\u0007' },
  })
  expect(unseen.json()).toMatchObject({ code: 'invalid-input' })
  const stranger = await keeper.api.call('PUT', `/videos/${videoId}/like`)
  expect(stranger.statusCode).toBe(401)
  expect(keeper.ctx.journal!.pending()).toBe(0)
})

test('while its feature is kept nothing is asked of a database that may hang', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const untilAt = new Date(Date.now() + 600_000)
  keeper.ctx.steward.order({
    level: { level: 4, reason: 'a drill', untilAt },
    features: {},
    maintenance: null,
  })
  expect(keeper.ctx.steward.modeOf('reactions')).toBe('kept')
  let asked = 0
  keeper.ctx.pool.on('acquire', () => (asked += 1))
  journals.proxy.freeze()

  const answer = await keeper.api.call('PUT', `/videos/${videoId}/like`, fan)

  expect(answer.json()).toEqual({ isLiked: true, isKept: true })
  expect(asked).toBe(0)
  journals.proxy.thaw()
  await keeper.replay()
  expect((await tracesOf(journals.world, fan.id)).likes).toHaveLength(1)
})

test('until what one did is done, what one does next waits behind it: a like, then its taking back', async () => {
  await using journals = await openJournalWorld()
  const { fan, author, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  await keeper.meet(author)
  journals.takeAway()
  await keeper.api.call('PUT', `/videos/${videoId}/like`, fan)
  journals.giveBack()
  await eventually(() => keeper.ctx.databaseGuard.isUp)

  const unliked = await keeper.api.call('DELETE', `/videos/${videoId}/like`, fan)
  expect(unliked.json()).toEqual({ isLiked: false, isKept: true })
  await keeper.replay()

  const traces = await tracesOf(journals.world, fan.id)
  expect(traces).toMatchObject({ likes: [], kinds: ['liked', 'unliked'] })
  await eventually(() => keeper.ctx.steward.modeOf('reactions') === 'on')
  const direct = await keeper.api.call('PUT', `/videos/${videoId}/like`, fan)
  expect(direct.json()).toEqual({ isLiked: true })
})

test('a comment that its client sends again, before and after, is one comment with one id', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const send = () =>
    keeper.api.call('POST', `/videos/${videoId}/comments`, fan, {
      payload: { body: 'Once.' },
      headers: { 'idempotency-key': '01890000-0000-7000-8000-00000000000c' },
    })
  journals.takeAway()
  const answers = [await send(), ...(await Promise.all([send(), send()]))]
  journals.giveBack()
  await keeper.replay()
  answers.push(await send())

  const ids = new Set(answers.map((answer) => answer.json<Comment>().id))
  const { comments, kinds, told } = await tracesOf(journals.world, fan.id)
  expect(comments.map(({ id }) => id)).toEqual([...ids])
  expect(kinds).toEqual(['commented'])
  expect(told).toEqual(['commented'])
})

test('a comment whose commit is cut off on the way back has one effect: nobody knew whether it was made', async () => {
  await using journals = await openJournalWorld()
  const { world } = journals
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  // The server is at the commit for a while, and the answer finds nobody.
  await sql`
    create function linger() returns trigger language plpgsql as 'begin perform pg_sleep(2); return null; end'`.execute(
    world.ctx.db,
  )
  await sql`
    create constraint trigger linger after insert on comment deferrable initially deferred
    for each row execute function linger()`.execute(world.ctx.db)
  const answering = keeper.api.call('POST', `/videos/${videoId}/comments`, fan, {
    payload: { body: 'Cut off.' },
  })
  await eventually(async () => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event = 'PgSleep'`.execute(world.ctx.db)
    return rows[0]!.n === 1
  })
  journals.takeAway()
  const answer = await answering
  expect(answer.statusCode).toBe(201)
  expect(answer.json()).toMatchObject({ isKept: true })

  journals.giveBack()
  await keeper.replay()

  const { comments, kinds, told } = await tracesOf(world, fan.id)
  expect(comments.map(({ id }) => id)).toEqual([answer.json<Comment>().id])
  expect([kinds, told]).toEqual([['commented'], ['commented']])
})

test('a signed-out browser’s views are kept too, in the hour in which they were watched', async () => {
  await using journals = await openJournalWorld()
  const { videoId, keeper } = await openScene(journals)
  await using _ = keeper
  journals.takeAway()
  const answer = await keeper.api.call('POST', '/views', null, viewOf(videoId))
  expect(answer.statusCode).toBe(204)
  journals.giveBack()
  await keeper.replay()
  const { db } = journals.world.ctx
  const views = await db.selectFrom('video_view').selectAll().execute()
  expect(views).toMatchObject([{ video_id: videoId, watched_ms: 9_000 }])
  expect(views[0]!.viewer_key).toMatch(/^browser:/)
})

test('the signed-out browsers of one network fill the journal to its share, and others go on', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  journals.takeAway()
  const report = (count: number, remoteAddress: string, headers: Record<string, string> = {}) =>
    keeper.api.app.inject({
      method: 'POST',
      url: '/api/v1/views',
      remoteAddress,
      headers,
      payload: { views: Array(count).fill(viewOf(videoId).payload.views[0]) },
    })
  const [one, sameNetwork, other] = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1']
  const full = await Promise.all(Array.from({ length: KEPT_VIEWS_PER_NETWORK / 50 }, () => report(50, one!)))
  expect(full.every(({ statusCode }) => statusCode === 204)).toBe(true)

  const refused = await report(1, sameNetwork!)
  expect(refused.statusCode).toBe(429)
  expect(refused.json()).toMatchObject({
    code: 'too-many-requests',
    isWorkKept: false,
    facts: { keptMax: KEPT_VIEWS_PER_NETWORK },
  })
  expect((await report(50, other!)).statusCode).toBe(204)
  expect((await report(50, one!, fan.headers)).statusCode).toBe(204)
})

test('one account keeps as many views as anybody can watch, wherever it asks from, and others go on', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const other = await journals.world.account()
  await keeper.meet(other)
  journals.takeAway()
  const report = (count: number, remoteAddress: string, { headers }: { readonly headers: object }) =>
    keeper.api.app.inject({
      method: 'POST',
      url: '/api/v1/views',
      remoteAddress,
      headers: { ...headers },
      payload: { views: Array(count).fill(viewOf(videoId).payload.views[0]) },
    })
  const all = Array.from({ length: KEPT_VIEWS_PER_ACCOUNT / 50 }, () => report(50, '192.0.2.1', fan))
  expect((await Promise.all(all)).every(({ statusCode }) => statusCode === 204)).toBe(true)

  const refused = await report(1, '198.51.100.1', fan)

  expect(refused.statusCode).toBe(429)
  expect(refused.json()).toMatchObject({ isWorkKept: false, facts: { keptMax: KEPT_VIEWS_PER_ACCOUNT } })
  expect((await report(50, '192.0.2.1', other)).statusCode).toBe(204)
})

test('comments leave room to what takes less', () => {
  expect(commentAct.roomShareOf!({} as never)).toBe(0.75)
})

test('signed-out views leave room to those of accounts, and those to what people do', () => {
  const roomOf = (viewer: Parameters<NonNullable<typeof viewsAct.roomShareOf>>[0]['viewer']) =>
    viewsAct.roomShareOf!({ viewer, reports: [] })
  expect(roomOf({ accountId: null, browserId: 'b' })).toBe(0.25)
  expect(roomOf({ accountId: UNKNOWN_VIDEO, browserId: null })).toBe(0.5)
})

test('with the journal switched off, as a drill does, nothing is promised', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const ctx = { ...keeper.ctx, journal: null }
  journals.takeAway()
  await expect(doOrKeep(ctx, likeAct, { viewerId: fan.id, videoId })).rejects.toThrow()
})

const openSmall = (dir: string, maxBytes: number) =>
  openEntryJournal({
    root: dir,
    asideFolder: `${dir}/aside`,
    clock: createFakeClock(),
    log: createLog({ level: 'silent', base: {} }),
    newId: randomUUID,
    maxBytes,
  })
const entry = { act: 'like', actor: 'someone', sets: null, repeat: null, input: {} }

test('a full journal refuses with a code that says so, and holds nobody back; views leave room for what people do', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openSmall(dir.path, 1_200)
  const views = { ...entry, act: 'views' }
  const fill = async (one: typeof entry, roomShare: number) => {
    for (let count = 0; ; count++)
      try {
        await journal.keep(one, { roomShare })
      } catch (error) {
        return { count, error }
      }
  }
  const ofViews = await fill(views, 0.5)
  const ofLikes = await fill(entry, 1)

  expect(ofViews.count).toBeGreaterThan(0)
  expect(ofLikes.count).toBeGreaterThan(0)
  for (const { error } of [ofViews, ofLikes])
    expect(error).toMatchObject({ code: 'journal-unwritable', status: 503 })
  expect(journal.pending()).toBe(ofViews.count + ofLikes.count)
  expect(journal.mustFollow('nobody')).toBe(false)
})

test('a journal whose folder can not be made refuses, and takes once it can', async () => {
  await using dir = await makeTemporaryDir()
  const root = `${dir.path}/journal`
  await writeFile(root, 'in the way')
  await using journal = await openSmall(root, 10_000)
  expect(journal.isWritable).toBe(false)
  await expect(journal.keep(entry)).rejects.toMatchObject({ code: 'journal-unwritable' })

  await rm(root)
  await journal.tend()
  expect(journal.isWritable).toBe(true)
  await journal.keep(entry)
  expect(journal.pending()).toBe(1)
})

test('an actor goes on directly as soon as their last entry is settled, and who waits for that hears of it', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openSmall(dir.path, 10_000)
  const [first, second] = [await journal.keep(entry), await journal.keep({ ...entry, actor: 'another' })]
  const [source] = journal.sources()
  const waiting = journal.waitForSettling(first, 300_000)
  const [record] = await Array.fromAsync(source!.read())

  journal.noteSettled(source!, record!.sequence)
  journal.noteSettled(source!, record!.sequence)

  await waiting
  expect(journal.mustFollow(first.actor)).toBe(false)
  expect(journal.mustFollow(second.actor)).toBe(true)
  expect(journal.pending()).toBe(1)
  expect(journal.isSettled(source!, record!.sequence)).toBe(true)
  journal.noteSettled(source!, record!.sequence + 1)
  await journal.removeUpTo(source!, record!.sequence + 1)
  expect(journal.mustFollow(second.actor)).toBe(false)
  expect(journal.oldestAtMs).toBeNull()
  await journal.waitForSettling(second, 300_000)
})

test('the video that is known to be gone is refused at once', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const standby = {
    ...keeper.ctx.standby,
    card: () => null,
    goneKind: (id: string) => (id === videoId ? ('deleted' as const) : null),
  }
  expect(() => refuseKnownHidden({ standby }, { viewerId: fan.id, videoId })).toThrow(/no video/)
  expect(() => refuseKnownHidden({ standby }, { viewerId: fan.id, videoId: UNKNOWN_VIDEO })).not.toThrow()
})

test('one person fills neither the journal nor the way back, and others go on', async () => {
  await using dir = await makeTemporaryDir()
  await using journal = await openSmall(dir.path, 16 * 1024 ** 2)
  await Promise.all(Array.from({ length: ENTRIES_OF_ONE_MAX }, () => journal.keep(entry)))
  await expect(journal.keep(entry)).rejects.toMatchObject({ code: 'too-many-requests' })
  await journal.keep({ ...entry, actor: 'somebody else' })
  expect(journal.pending()).toBe(ENTRIES_OF_ONE_MAX + 1)
  const [source] = journal.sources()
  journal.noteSettled(source!, 1)
  await journal.keep(entry)
})
