/** What of the shelf is written, and when: as little as there is new, and never later than a rule needs it. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { openStandby, STANDBY_FILES, standbyPath, versionOf } from '../../app/standby/index.ts'
import { addAccounts, addVideos } from '../feed/feed.fixtures.ts'
import { blockAccount, unblockAccount } from '../follows/index.ts'
import { editVideo } from '../videos/index.ts'
import { NEVER_AGAIN, openTestShelf } from './standby.fixtures.ts'

const pathOf = ({ config }: World, name: (typeof STANDBY_FILES)[number]) => standbyPath(config.dataDir, name)

/** Names of the files that were written since the last call. */
function watchWrites(world: World): () => Promise<string[]> {
  let before = new Map<string, string>()
  return async () => {
    const now = new Map<string, string>()
    for (const name of STANDBY_FILES) now.set(name, await versionOf(pathOf(world, name)))
    const written = STANDBY_FILES.filter((name) => before.get(name) !== now.get(name))
    before = now
    return written
  }
}

async function addTwo(world: World): Promise<[string, string]> {
  const [authorId] = await addAccounts(world, 1)
  return (await addVideos(world, [{ authorId: authorId! }, { authorId: authorId! }])) as [string, string]
}

const countView = ({ ctx }: World, videoId: string) =>
  ctx.db.insertInto('video_counter').values({ video_id: videoId, views: 7, as_of: ctx.clock.now() }).execute()

test('what stays the same is written once, is known to be right in each round, and has a copy', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const written = watchWrites(world)
  await addTwo(world)
  await shelf.fill()
  expect(await written()).toEqual([...STANDBY_FILES])
  const first = world.ctx.standby.figures
  for (let round = 0; round < 3; round++) await shelf.fill()
  expect(await written()).toEqual([])
  expect(world.ctx.standby.figures.listsAsOfMs).toBeGreaterThan(first.listsAsOfMs!)
  expect(world.ctx.standby.figures.mediaAsOfMs).toBeGreaterThan(first.mediaAsOfMs!)
  for (const name of STANDBY_FILES)
    expect(await readFile(`${pathOf(world, name)}.before`)).toEqual(await readFile(pathOf(world, name)))

  // Neither does a maker that starts.
  await using other = openTestShelf(world)
  await other.fill()
  expect(await written()).toEqual([])
})

test('a view has the counts written and nothing else', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const written = watchWrites(world)
  const [watched, other] = await addTwo(world)
  await shelf.fill()
  await written()
  await countView(world, watched)
  await shelf.fill()
  expect(await written()).toEqual(['lists'])
  const cardOf = (id: string) => JSON.parse(`${world.ctx.standby.card(id)!.json.toString()}}`)
  expect(cardOf(watched).counts).toMatchObject({ views: 7, likes: 0, asOf: expect.any(String) })
  expect(cardOf(other).counts).toEqual({
    views: null,
    likes: null,
    comments: null,
    saves: null,
    shares: null,
    asOf: null,
  })
})

test('a file that was taken away or damaged is written again', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world)
  const written = watchWrites(world)
  await addTwo(world)
  for (let round = 0; round < 2; round++) await shelf.fill()
  await rm(pathOf(world, 'cards'))
  const bytes = await readFile(pathOf(world, 'rules'))
  bytes[20]! ^= 1
  await writeFile(pathOf(world, 'rules'), bytes)
  await written()
  await shelf.fill()
  expect(await written()).toEqual(['rules', 'cards'])
  const { standby } = world.ctx
  await using reader = await openStandby({ ...world.ctx, dataDir: world.config.dataDir })
  expect(reader.figures).toMatchObject({
    damagedCount: 0,
    topCount: 2,
    listsAsOfMs: standby.figures.listsAsOfMs,
  })
})

test('what may wait waits, and says how old it is; what must not be shown does not wait', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, NEVER_AGAIN)
  const written = watchWrites(world)
  const [one, other, author] = [await world.account(), await world.account(), await world.account()]
  const [hidden, kept] = (await addVideos(world, [{ authorId: author.id }, { authorId: author.id }])) as [
    string,
    string,
  ]
  await shelf.fill()
  const { listsAsOfMs } = world.ctx.standby.figures
  await written()
  await countView(world, kept)
  await blockAccount(world.ctx, { viewerId: one.id, handle: other.handle })
  await editVideo(world.ctx, { viewerId: author.id, videoId: hidden, edit: { visibility: 'private' } })
  await shelf.fill()
  expect(await written()).toEqual(['rules'])

  // A process that heard nothing of it.
  await using reader = await openStandby({ ...world.ctx, dataDir: world.config.dataDir })
  expect(reader.figures.listsAsOfMs).toBe(listsAsOfMs)
  const maySee = reader.rulesFor(one.id)
  const entries = reader.list(null, 'top')!.entries.filter(({ card }) => maySee(card))
  expect(entries.map(({ card }) => card.id)).toEqual([kept])
  expect([reader.card(hidden), reader.goneKind(hidden)]).toEqual([null, 'hidden'])
  expect(reader.isBlockBetween(other.id, one.id)).toBe(true)
})

test('so many blocks may change before the file of all is written again, and none is missed', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, { blockChanges: 2 })
  const written = watchWrites(world)
  const people = [await world.account(), await world.account(), await world.account(), await world.account()]
  const [one, ...others] = people as [(typeof people)[0], ...typeof people]
  await addTwo(world)
  await blockAccount(world.ctx, { viewerId: one.id, handle: others[0]!.handle })
  await shelf.fill()
  await written()
  await unblockAccount(world.ctx, { viewerId: one.id, handle: others[0]!.handle })
  await blockAccount(world.ctx, { viewerId: one.id, handle: others[1]!.handle })
  await shelf.fill()
  expect(await written()).toEqual(['rules'])
  await expectBlocks(world, one.id, others, [false, true, false])

  await blockAccount(world.ctx, { viewerId: others[2]!.id, handle: one.handle })
  await shelf.fill()
  expect(await written()).toEqual(['rules', 'blocks'])
  await expectBlocks(world, one.id, others, [false, true, true])
})

/** As a process sees them that only has the shelf. */
async function expectBlocks(
  { ctx, config }: World,
  oneId: string,
  others: readonly { readonly id: string }[],
  expected: readonly boolean[],
): Promise<void> {
  await using reader = await openStandby({ ...ctx, dataDir: config.dataDir })
  expect(others.map(({ id }) => reader.isBlockBetween(oneId, id))).toEqual(expected)
  const card = { id: ctx.newId(), authorId: oneId }
  expect(others.map(({ id }) => !reader.maySee(id, card))).toEqual(expected)
  expect(reader.figures.blockCount).toBe(expected.filter(Boolean).length)
}

test('cards of so long ago that nobody knows any more what became of them are not shown', async () => {
  await using world = await createWorld()
  await using shelf = openTestShelf(world, NEVER_AGAIN)
  const [videoId] = await addTwo(world)
  await shelf.fill()
  expect(world.ctx.standby.card(videoId)).not.toBeNull()
  const round = standbyPath(world.config.dataDir, 'round')
  const { files, ...rest } = JSON.parse(await readFile(round, 'utf8'))
  const { asOfMs } = files.rules
  files.rules.isRightAtMs = asOfMs + 24 * 3_600_000
  await writeFile(round, JSON.stringify({ ...rest, files }))
  await world.ctx.standby.refresh()
  expect(world.ctx.standby.card(videoId)).not.toBeNull()
  files.rules.isRightAtMs += 1
  await writeFile(round, JSON.stringify({ ...rest, files }))
  await world.ctx.standby.refresh()
  expect([world.ctx.standby.card(videoId), world.ctx.standby.list(null, 'top')]).toEqual([null, null])
})
