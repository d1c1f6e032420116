/** What is taken out of sight stays so for a process that starts without the database, on a shelf from before. */
import { mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createLog } from '../../../kit/log.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { openShakyProcess } from '../../../tests/support/shaky-process.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createWorld, type World } from '../../../tests/support/world.ts'
import { openStandby, standbyPath, type Standby } from '../../app/standby/index.ts'
import { readStamp } from '../../infra/db/index.ts'
import { blockAccount, unblockAccount } from '../follows/index.ts'
import { deleteVideo, editVideo } from '../videos/index.ts'
import { openCardMemory } from '../videos/card-memory.ts'
import { openTestShelf, type TestShelf } from './standby.fixtures.ts'

/** A process that has the disk alone, and hears of nothing. */
const openDeaf = ({ ctx, config }: World): Promise<Standby> =>
  openStandby({
    dataDir: config.dataDir,
    listener: { on: () => () => {} },
    clock: ctx.clock,
    log: createLog({ level: 'silent', base: {} }),
  })

/** Those of the videos that it would show a viewer, or null: a visitor. */
function shownBy(standby: Standby, viewerId: string | null, videoIds: readonly string[]): string[] {
  const maySee = standby.rulesFor(viewerId)
  const listed = (standby.list(viewerId, 'top')?.entries ?? []).filter(({ card }) => maySee(card))
  return videoIds.filter((id) => {
    const card = standby.card(id)
    const isShown = card !== null && standby.maySee(viewerId, card)
    expect(listed.some((entry) => entry.card.id === id)).toBe(isShown)
    if (viewerId === null) expect(standby.media(id) !== null).toBe(isShown)
    return isShown
  })
}

const showsAtStart = async (world: World, viewerId: string | null, videoIds: readonly string[]) => {
  await using standby = await openDeaf(world)
  return shownBy(standby, viewerId, videoIds)
}

const filesOf = ({ config }: World) =>
  readdir(join(config.dataDir, 'standby', 'withdrawn')).catch(() => [] as string[])

/** Other tests have transactions open on the same server: how many rounds it takes is up to them. */
const fillUntilTakenIn = ({ world, shelf }: { readonly world: World; readonly shelf: TestShelf }) =>
  eventually(
    async () => {
      await shelf.fill()
      return filesOf(world)
    },
    (names) => names.length === 0,
  )

async function openScene() {
  await using stack = new AsyncDisposableStack()
  const world = stack.use(await createWorld())
  const shelf = stack.use(openTestShelf(world))
  const author = await world.account()
  const videoIds = await Promise.all([1, 2, 3, 4].map(() => makeVideo(world, author.id)))
  await shelf.fill()
  const owned = stack.move()
  return {
    world,
    shelf,
    author,
    videoIds,
    own: (at: number) => ({ viewerId: author.id, videoId: videoIds[at]! }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('videos that were made private, for followers or deleted are on no list, card or manifest of the shelf before', async () => {
  await using scene = await openScene()
  const { world, shelf, videoIds, own } = scene
  await using running = await openDeaf(world)
  expect(shownBy(running, null, videoIds)).toEqual(videoIds)

  await editVideo(world.ctx, { ...own(0), edit: { visibility: 'private' } })
  await editVideo(world.ctx, { ...own(1), edit: { visibility: 'followers' } })
  await deleteVideo(world.ctx, own(2))

  expect(await showsAtStart(world, null, videoIds)).toEqual([videoIds[3]])
  await running.refresh()
  expect(shownBy(running, null, videoIds)).toEqual([videoIds[3]])
  expect(videoIds.map((id) => running.goneKind(id))).toEqual(['hidden', 'hidden', 'deleted', null])
  await shelf.fill()
  expect(await showsAtStart(world, null, videoIds)).toEqual([videoIds[3]])
})

test('a process that starts with the database away does not know a card of what was hidden last', async () => {
  await using scene = await openScene()
  const { world, videoIds, own } = scene
  await editVideo(world.ctx, { ...own(0), edit: { visibility: 'private' } })
  await using process = await openShakyProcess(world, { isCutOff: true })
  using memory = openCardMemory(process.ctx)
  await expect(memory.read({ viewerId: null, videoId: videoIds[0]! })).rejects.toThrow()
  expect((await memory.read({ viewerId: null, videoId: videoIds[1]! })).id).toBe(videoIds[1])
})

test('made public again before a shelf knew of it, a video is shown; hidden once more, it is not', async () => {
  await using scene = await openScene()
  const { world, videoIds, own } = scene
  const see = (visibility: 'private' | 'public') =>
    editVideo(world.ctx, { ...own(0), edit: { visibility } }).then(() =>
      showsAtStart(world, null, [videoIds[0]!]),
    )
  expect(await see('private')).toEqual([])
  expect(await see('public')).toEqual([videoIds[0]])
  expect(await see('private')).toEqual([])
})

test('a block that no shelf knows of holds in both directions, until it is lifted', async () => {
  await using scene = await openScene()
  const { world, author, videoIds } = scene
  const [blocked, other] = [await world.account(), await world.account()]
  await blockAccount(world.ctx, { viewerId: author.id, handle: blocked.handle })
  await blockAccount(world.ctx, { viewerId: other.id, handle: author.handle })
  for (const { id } of [blocked, other]) expect(await showsAtStart(world, id, videoIds)).toEqual([])
  expect(await showsAtStart(world, author.id, videoIds)).toEqual(videoIds)

  await unblockAccount(world.ctx, { viewerId: author.id, handle: blocked.handle })
  expect(await showsAtStart(world, blocked.id, videoIds)).toEqual(videoIds)
  expect(await showsAtStart(world, other.id, videoIds)).toEqual([])
})

test('withdrawals leave the disk once the rules and their copy have them, and hold before and after', async () => {
  await using scene = await openScene()
  const { world, shelf, videoIds, own } = scene
  await editVideo(world.ctx, { ...own(0), edit: { visibility: 'private' } })
  expect(await filesOf(world)).toEqual(['lately'])
  await shelf.fill()
  // The copy is the file before: with the rules damaged, it is all that there is.
  expect(await filesOf(world)).toHaveLength(1)
  expect(await showsAtStart(world, null, videoIds)).not.toContain(videoIds[0])
  await fillUntilTakenIn(scene)
  const rules = standbyPath(world.config.dataDir, 'rules')
  const bytes = await readFile(rules)
  bytes[bytes.length >> 1]! ^= 1
  await writeFile(rules, bytes)
  expect(await showsAtStart(world, null, videoIds)).not.toContain(videoIds[0])
})

test('rules that were read while the transaction was open do not take its withdrawal away', async () => {
  await using scene = await openScene()
  const { world, shelf, videoIds, author } = scene
  const [videoId] = videoIds as [string]
  await world.ctx.db
    .transaction()
    .execute(async (tx) => {
      await editVideo(
        { ...world.ctx, db: tx },
        { viewerId: author.id, videoId, edit: { visibility: 'private' } },
      )
      for (let round = 0; round < 3; round++) await shelf.fill()
      expect(await filesOf(world)).toHaveLength(1)
      expect(await showsAtStart(world, null, [videoId])).toEqual([])
      throw new Error('rolled back')
    })
    .catch((error: Error) => expect(error.message).toBe('rolled back'))

  // What never was falls away with the next shelf that certainly has it.
  await fillUntilTakenIn(scene)
  expect(await showsAtStart(world, null, [videoId])).toEqual([videoId])
})

test('withdrawals of a database that a backup took the place of are removed', async () => {
  await using scene = await openScene()
  const { world, shelf, videoIds } = scene
  const { xid, position } = await readStamp(world.ctx.db)
  const stamp = { xid: xid + 1_000_000n, position }
  await world.ctx.standby.withdraw({ kind: 'hidden', videoId: videoIds[0]!, stamp })
  expect(await showsAtStart(world, null, videoIds)).not.toContain(videoIds[0])
  await shelf.fill()
  expect(await filesOf(world)).toEqual([])
  expect(await showsAtStart(world, null, videoIds)).toEqual(videoIds)
})

test('a second call tells the disk again of what the first has done', async () => {
  await using scene = await openScene()
  const { world, videoIds, own, author } = scene
  const subject = await world.account()
  const died = {
    ...world.ctx,
    standby: { ...world.ctx.standby, withdraw: () => Promise.reject(new Error('died')) },
  }
  const hide = { ...own(0), edit: { visibility: 'private' as const } }
  const block = { viewerId: author.id, handle: subject.handle }
  await expect(editVideo(died, hide)).rejects.toThrow('died')
  await expect(deleteVideo(died, own(1))).rejects.toThrow('died')
  await expect(blockAccount(died, block)).rejects.toThrow('died')
  expect(await filesOf(world)).toEqual([])

  await editVideo(world.ctx, hide)
  await expect(deleteVideo(world.ctx, own(1))).rejects.toMatchObject({ code: 'not-found' })
  expect(await showsAtStart(world, null, videoIds)).toEqual([videoIds[2], videoIds[3]])
  await blockAccount(world.ctx, block)
  expect(await showsAtStart(world, subject.id, videoIds)).toEqual([])
})

test('where a withdrawal can not be written, the video is hidden all the same, and the shelf is not there for those who start', async () => {
  await using scene = await openScene()
  const { world, shelf, videoIds, own } = scene
  const folder = join(world.config.dataDir, 'standby', 'withdrawn')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'lately'), '')
  // As large as it may be.
  await truncate(join(folder, 'lately'), 50_000 * 53)
  await using running = await openDeaf(world)

  await editVideo(world.ctx, { ...own(0), edit: { visibility: 'private' } })
  expect(await showsAtStart(world, null, videoIds)).toEqual([])
  expect(shownBy(running, null, [videoIds[1]!])).toEqual([videoIds[1]])
  expect(world.ctx.standby.goneKind(videoIds[0]!)).toBe('hidden')

  await shelf.fill()
  expect(await showsAtStart(world, null, videoIds)).toEqual(videoIds.slice(1))
})
