import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { expect, test } from 'vitest'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { openOwnJournal } from '../../../kit/journal/index.ts'
import type { Comment } from '../../../contract/social.ts'
import { environmentWith } from '../config.ts'
import { blockAccount, followAccount } from '../../modules/follows/index.ts'
import { loadProfile } from '../../modules/profiles/index.ts'
import { deleteVideo, loadVideoCards } from '../../modules/videos/index.ts'
import type { Act } from './acts.ts'
import { encodeEntry, type KeptEntry } from './entries.ts'
import { ACTS, openJournalWorld, openScene, setAsideIn, tracesOf } from './journal.fixtures.ts'
import { pruneSettledEntries, SETTLED_KEPT_MS } from './prune.ts'

async function settledIn(world: World) {
  const rows = await world.ctx.db.selectFrom('journal_settled').select('outcome').execute()
  return rows.map(({ outcome }) => outcome)
}

const REPLAYER = join(import.meta.dirname, 'fixtures', 'replayer.ts')

test('what a dead process has kept is taken up by the next, and done before what is done then', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  journals.takeAway()
  await keeper.api.call('PUT', `/videos/${videoId}/like`, fan)
  await keeper[Symbol.asyncDispose]()
  journals.giveBack()

  await using next = await journals.openKeeper()
  expect(next.ctx.journal!.pending()).toBe(1)
  const unliked = await next.api.call('DELETE', `/videos/${videoId}/like`, fan)
  expect(unliked.json()).toEqual({ isLiked: false, isKept: true })
  await next.replay()

  expect(await tracesOf(journals.world, fan.id)).toMatchObject({ likes: [], kinds: ['liked', 'unliked'] })
  expect(next.ctx.journal!.pending()).toBe(0)
})

test('while another process has entries, nobody knows whose: what is done here waits in its order', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  await using other = await journals.openKeeper()
  await other.meet(fan)
  journals.takeAway()
  await keeper.api.call('PUT', `/videos/${videoId}/like`, fan)
  await sleep(5)
  await other.ctx.journal!.tend()
  expect(other.ctx.journal!.mustFollow(fan.id)).toBe(true)
  await other.api.call('DELETE', `/videos/${videoId}/like`, fan)
  journals.giveBack()

  // The later entry is done first: the earlier one is superseded by it.
  await other.replay()
  await keeper.replay()

  expect((await tracesOf(journals.world, fan.id)).likes).toEqual([])
  expect(keeper.ctx.journal!.settled).toMatchObject({ superseded: 1, done: 0 })
})

test('entries that are read again, as after a death before their end was noted, are done once', async () => {
  await using journals = await openJournalWorld()
  const { author, fan, videoId, keeper } = await openScene(journals)
  journals.takeAway()
  for (const method of ['PUT', 'DELETE', 'PUT'] as const)
    await keeper.api.call(method, `/videos/${videoId}/like`, fan)
  await keeper.api.call('PUT', `/profiles/${author.handle}/follow`, fan)
  await keeper.api.call('POST', `/videos/${videoId}/comments`, fan, { payload: { body: 'Once.' } })
  const copy = await journals.copyJournals()
  journals.giveBack()
  await keeper.replay()
  await keeper[Symbol.asyncDispose]()
  const before = await tracesOf(journals.world, fan.id)

  await copy.putBack()
  await using again = await journals.openKeeper()
  expect(again.ctx.journal!.pending()).toBe(5)
  await again.replay()

  expect(again.ctx.journal!.pending()).toBe(0)
  expect(await tracesOf(journals.world, fan.id)).toEqual(before)
  expect(before.kinds).toEqual(['commented', 'followed', 'liked', 'liked', 'unliked'])
})

test('a replay that is killed again and again, and loses its database, does everything once', async () => {
  await using journals = await openJournalWorld()
  const { world } = journals
  const { author, keeper } = await openScene(journals)
  const fans = await Promise.all(Array.from({ length: 4 }, () => world.account()))
  const videos = await Promise.all(Array.from({ length: 8 }, () => makeVideo(world, author.id)))
  await keeper.meet(...fans)
  journals.takeAway()
  const comments: string[] = []
  for (const videoId of videos)
    for (const fan of fans) {
      for (const method of ['PUT', 'DELETE', 'PUT'] as const)
        await keeper.api.call(method, `/videos/${videoId}/like`, fan)
      const answer = await keeper.api.call('POST', `/videos/${videoId}/comments`, fan, {
        payload: { body: 'Mine.' },
      })
      comments.push(answer.json<Comment>().id)
    }
  const kept = keeper.ctx.journal!.pending()
  expect(kept).toBe(videos.length * fans.length * 4)
  await keeper[Symbol.asyncDispose]()
  journals.giveBack()

  for (let round = 1; ; round++) {
    const replayer = spawn(process.execPath, [REPLAYER], {
      env: environmentWith({
        DATA_DIR: world.config.dataDir,
        DATABASE_URL: keeper.ctx.config.database.url!,
        LOG_LEVEL: 'silent',
        PROTECTIONS_OFF: 'levels',
      }),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let output = ''
    replayer.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    const closed = once(replayer, 'close')
    await expect.poll(() => output).toMatch(/begins \d+/)
    if (round > 4) {
      await closed
      expect(output).toMatch(/done/)
      break
    }
    await expect
      .poll(async () => (await settledIn(world)).length, { interval: 5 })
      .toBeGreaterThan(round * 15)
    await sleep(Math.random() * 10)
    if (round % 2 === 0) journals.proxy.reset()
    replayer.kill('SIGKILL')
    await closed
  }

  const { db } = world.ctx
  const likes = await db.selectFrom('video_like').select('account_id').execute()
  expect(likes).toHaveLength(videos.length * fans.length)
  const made = await db.selectFrom('comment').select('id').execute()
  expect(made.map(({ id }) => id).toSorted()).toEqual(comments.toSorted())
  const events = await db
    .selectFrom('event')
    .select('kind')
    .where('kind', 'in', ['liked', 'unliked', 'commented'])
    .execute()
  expect(events).toHaveLength(kept)
  expect(await settledIn(world)).toEqual(Array(kept).fill('done'))
})

test('what can no longer be done is settled as void, and holds nobody up', async () => {
  await using journals = await openJournalWorld()
  const { world } = journals
  const { author, fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const [blocker, deleted] = [await world.account(), await makeVideo(world, author.id)]
  journals.takeAway()
  await keeper.api.call('PUT', `/videos/${deleted}/like`, fan)
  await keeper.api.call('POST', `/videos/${deleted}/comments`, fan, { payload: { body: 'Too late.' } })
  await keeper.api.call('PUT', `/profiles/${blocker.handle}/follow`, fan)
  await keeper.api.call('PUT', `/videos/${videoId}/like`, fan)
  await deleteVideo(world.ctx, { viewerId: author.id, videoId: deleted } as never)
  await blockAccount(world.ctx, { viewerId: blocker.id, handle: fan.handle })
  journals.giveBack()

  await keeper.replay()

  expect(keeper.ctx.journal!.settled).toMatchObject({ done: 1, void: 3, 'set-aside': 0 })
  const traces = await tracesOf(world, fan.id)
  expect(traces.likes).toMatchObject([{ video_id: videoId }])
  expect(traces).toMatchObject({ comments: [], follows: [], kinds: ['liked'] })
})

test('a follow that is kept is of the account that was meant, whoever has its handle when it is done', async () => {
  await using journals = await openJournalWorld()
  const { world } = journals
  const { author, fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const [left, thief] = [await world.account(), await world.account()]
  await followAccount(world.ctx, { viewerId: fan.id, handle: left.handle })
  // As by a page of the feed, and by a profile.
  await loadVideoCards(keeper.ctx, fan.id, [videoId])
  await loadProfile(keeper.ctx, { viewerId: fan.id, handle: left.handle })
  const rename = ({ id }: { id: string }, handle: string) =>
    world.ctx.pool.query('update account set username = $2, display_username = $2 where id = $1', [
      id,
      handle,
    ])
  journals.takeAway()
  const followed = await keeper.api.call('PUT', `/profiles/${author.handle.toUpperCase()}/follow`, fan)
  expect(followed.json()).toEqual({ isFollowing: true, isKept: true })
  await keeper.api.call('DELETE', `/profiles/${left.handle}/follow`, fan)
  await rename(author, 'renamed')
  await rename(thief, author.handle)
  await rename(left, 'renamed2')
  journals.giveBack()

  await keeper.replay()

  expect(keeper.ctx.journal!.settled).toMatchObject({ done: 2, void: 0, 'set-aside': 0 })
  expect((await tracesOf(world, fan.id)).follows).toMatchObject([{ followee_id: author.id }])
})

test('a follow that an earlier version has kept, by its handle alone, is done', async () => {
  await using journals = await openJournalWorld()
  const { author, fan, keeper } = await openScene(journals)
  await using _ = keeper
  const input = { viewerId: fan.id, viewerHandle: fan.handle, handle: author.handle }
  await keeper.ctx.journal!.keep({ act: 'follow', actor: fan.id, sets: null, repeat: null, input })
  await keeper.replay()
  expect((await tracesOf(journals.world, fan.id)).follows).toMatchObject([{ followee_id: author.id }])
})

test('an entry that fails in a way nobody expected is set aside in a file, and the rest goes on', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  let attempts = 0
  const poison: Act<{ text: string }, void> = {
    name: 'poison',
    feature: 'comments',
    shape: z.object({ text: z.string() }),
    actorOf: () => fan.id,
    setsOf: () => null,
    repeatOf: () => null,
    async do() {
      attempts += 1
      throw new Error('nobody expected this')
    },
    answerKept: () => {},
  }
  journals.takeAway()
  const journal = keeper.ctx.journal!
  const entry = { actor: fan.id, sets: null, repeat: null }
  await journal.keep({ ...entry, act: 'poison', input: { text: 'mine' } })
  await journal.keep({ ...entry, act: 'of-a-later-version', input: {} })
  await journal.keep({ ...entry, act: 'comment', input: { body: 7 } })
  await keeper.api.call('PUT', `/videos/${videoId}/like`, fan)
  journals.giveBack()

  await keeper.replay([...ACTS, poison])
  await keeper.replay([...ACTS, poison])

  // Once with the others, twice alone, and never again.
  expect(attempts).toBe(3)
  expect(journal.settled).toMatchObject({ done: 1, 'set-aside': 3 })
  expect(journal.pending()).toBe(0)
  const files = await setAsideIn(journals.root)
  expect(files).toHaveLength(3)
  const texts = await Promise.all(files.map((name) => readFile(join(journals.root, 'aside', name), 'utf8')))
  expect(texts.find((text) => text.includes('"poison"'))).toContain('nobody expected this')
})

test('a record that this version can not read is set aside, and the rest goes on', async () => {
  await using journals = await openJournalWorld()
  const { fan, videoId, keeper } = await openScene(journals)
  await using _ = keeper
  const like: KeptEntry = {
    id: keeper.ctx.newId(),
    at: new Date(),
    act: 'like',
    actor: fan.id,
    sets: null,
    repeat: null,
    input: { viewerId: fan.id, videoId },
  }
  const dead = await openOwnJournal({ root: journals.root })
  await dead.append(Buffer.from([1, 2, 3]))
  await dead.append(encodeEntry(like))
  await dead[Symbol.asyncDispose]()
  await keeper.ctx.journal!.tend()

  await keeper.replay()

  expect(keeper.ctx.journal!.settled).toMatchObject({ done: 1, 'set-aside': 1 })
  const [name] = await setAsideIn(journals.root)
  expect(await readFile(join(journals.root, 'aside', name!))).toEqual(Buffer.from([1, 2, 3]))
})

test('which entries are settled is known for a week, and longer while a journal waits', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const { ctx } = world
  const row = {
    id: ctx.newId(),
    outcome: 'done' as const,
    sets: null,
    kept_at: clock.now(),
    settled_at: clock.now(),
  }
  await ctx.db.insertInto('journal_settled').values(row).execute()

  clock.advance(SETTLED_KEPT_MS)
  expect(await pruneSettledEntries(ctx)).toBe(0)
  clock.advance(1)
  {
    await using waiting = await openOwnJournal({ root: ctx.config.paths.journal })
    const sequence = await waiting.append('waits')
    expect(await pruneSettledEntries(ctx)).toBe(0)
    await waiting.markDone(sequence)
  }
  expect(await pruneSettledEntries(ctx)).toBe(1)
})
