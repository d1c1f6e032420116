import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openApi, readAllPages } from '../../../tests/support/api.ts'
import { makeVideo } from '../../../tests/support/videos.ts'
import { createFakeClock, createWorld, type TestAccount, type World } from '../../../tests/support/world.ts'
import { blockAccount } from '../follows/index.ts'
import { listTagVideos, search, SEARCH_MAX_WORDS, searchRoutes } from './index.ts'

type Kind = 'videos' | 'people' | 'tags'

const find = (world: World, type: Kind, q: string, viewerId: string | null = null) =>
  search(world.ctx, { q, type, viewerId, page: { limit: 50 } })
const videos = async (world: World, q: string, viewerId: string | null = null) =>
  (await find(world, 'videos', q, viewerId)).videos.map((video) => video.caption).toSorted()
const people = async (world: World, q: string, viewerId: string | null = null) =>
  (await find(world, 'people', q, viewerId)).people.map((person) => person.handle)
const tags = async (world: World, q: string, viewerId: string | null = null) =>
  (await find(world, 'tags', q, viewerId)).tags

test('videos are found by words of the caption in any order and capitals, by tag and by author', async () => {
  await using world = await createWorld()
  const [ada, bob] = [await world.account({ handle: 'Ada.L' }), await world.account({ handle: 'bob' })]
  const leak = 'How to fix a leaky faucet #DIY'
  const roof = 'A leaky roof, fixed #diy #roof'
  const cake = 'Käsekuchen'
  for (const caption of [leak, roof]) await makeVideo(world, ada.id, { caption })
  await makeVideo(world, bob.id, { caption: cake })

  expect(await videos(world, 'LEAKY')).toEqual([roof, leak])
  expect(await videos(world, 'faucet fix')).toEqual([leak])
  expect(await videos(world, 'eak')).toEqual([roof, leak])
  expect(await videos(world, 'leaky nothing')).toEqual([])
  expect(await videos(world, '#DIY')).toEqual([roof, leak])
  expect(await videos(world, '#diy faucet')).toEqual([leak])
  expect(await videos(world, '#di')).toEqual([])
  expect(await videos(world, 'KÄSE')).toEqual([cake])
  expect(await videos(world, 'KA\u0308SE')).toEqual([cake])
  expect(await videos(world, 'ada.l')).toEqual([roof, leak])
  expect(await videos(world, '@bob')).toEqual([cake])
})

test('wildcards, quotes and escapes are plain text', async () => {
  await using world = await createWorld()
  const author = await world.account({ handle: 'under_score' })
  const other = await world.account({ handle: 'underXscore' })
  for (const caption of ['100% wool', '1000 sheep', 'a_b', 'axb', 'c\\d', "it's"])
    await makeVideo(world, author.id, { caption })

  expect(await videos(world, '100%')).toEqual(['100% wool'])
  expect(await videos(world, '%')).toEqual(['100% wool'])
  expect(await videos(world, 'a_b')).toEqual(['a_b'])
  expect(await videos(world, '\\')).toEqual(['c\\d'])
  expect(await videos(world, "'")).toEqual(["it's"])
  expect(await people(world, 'under_')).toEqual(['under_score'])
  expect(await people(world, 'underx')).toEqual([other.handle])
  expect(await tags(world, '%')).toEqual([])
})

test('nothing hidden is found: private, for followers, unpublished, or behind a block', async () => {
  await using world = await createWorld()
  const [author, pest, viewer] = [await world.account(), await world.account(), await world.account()]
  const caption = 'a walrus #walrus'
  await makeVideo(world, author.id, { caption })
  await makeVideo(world, author.id, { caption, visibility: 'private' })
  await makeVideo(world, author.id, { caption, visibility: 'followers' })
  await makeVideo(world, author.id, { caption, isPublishRequested: false })
  await makeVideo(world, author.id, { caption, isPlayable: false })
  await makeVideo(world, pest.id, { caption })
  await blockAccount(world.ctx, { viewerId: viewer.id, handle: pest.handle })

  const tagged = (viewerId: string | null) =>
    listTagVideos(world.ctx, { viewerId, tag: '#Walrus', page: { limit: 50 } })
  expect(await videos(world, 'walrus')).toHaveLength(2)
  expect(await tags(world, 'walrus')).toEqual([{ tag: 'walrus', videoCount: 2 }])
  expect((await tagged(null)).items).toHaveLength(2)
  expect(await videos(world, 'walrus', viewer.id)).toHaveLength(1)
  expect(await tags(world, 'walrus', viewer.id)).toEqual([{ tag: 'walrus', videoCount: 1 }])
  expect((await tagged(viewer.id)).items).toHaveLength(1)
  expect(await videos(world, 'walrus', pest.id)).toHaveLength(2)
  expect(await people(world, pest.handle, viewer.id)).toEqual([])
  expect(await people(world, viewer.handle, pest.id)).toEqual([])
  expect(await people(world, pest.handle)).toEqual([pest.handle])
})

test('the very name comes first, then what begins with it, then what contains it', async () => {
  await using world = await createWorld()
  const author = await world.account({ handle: 'zz.top' })
  for (const handle of ['a.cat', 'cats', 'cat', 'catalog']) await world.account({ handle })
  await makeVideo(world, author.id, { caption: '#tomcat #cat #category' })

  expect(await people(world, '@CAT')).toEqual(['cat', 'catalog', 'cats', 'a.cat'])
  expect((await tags(world, '#Cat')).map((item) => item.tag)).toEqual(['cat', 'category', 'tomcat'])
})

test('people are found by name as well, with whether the viewer follows them', async () => {
  await using world = await createWorld()
  const person = await world.account()
  const viewer = await world.account()
  await world.ctx.db
    .updateTable('account')
    .set({ name: 'Grace Höpper' })
    .where('id', '=', person.id)
    .execute()

  const page = await find(world, 'people', 'HÖPP', viewer.id)

  expect(page).toMatchObject({ people: [{ id: person.id, isFollowing: false }], videos: [], tags: [] })
  expect((await find(world, 'people', 'höpp')).people).toMatchObject([{ isFollowing: null }])
})

test('pages of all three kinds and of a tag neither skip nor repeat, whatever their size', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  const pest = await world.account({ handle: 'pest' })
  const viewer = await world.account({ handle: 'viewer' })
  const authors: TestAccount[] = []
  for (let index = 0; index < 7; index++) authors.push(await world.account({ handle: `pal.${index}.pal` }))
  await blockAccount(world.ctx, { viewerId: viewer.id, handle: 'pest' })
  for (let index = 0; index < 18; index++) {
    if (index % 4 === 0) clock.advance(1)
    const author = index % 3 === 0 ? pest : authors[index % authors.length]!
    await makeVideo(world, author.id, { caption: `pal ${index} #pal #tag${index}pal` })
  }
  const walk = <T>(limit: number, type: Kind, pick: (page: Awaited<ReturnType<typeof search>>) => T[]) =>
    readAllPages(async (cursor) => {
      const page = await search(world.ctx, {
        q: 'pal',
        type,
        viewerId: viewer.id,
        page: { limit, ...(cursor && { cursor }) },
      })
      return { items: pick(page), nextCursor: page.nextCursor }
    })

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), async (limit) => {
      const found = await walk(limit, 'videos', (page) => page.videos.map((video) => video.id))
      expect(found).toHaveLength(12)
      expect(new Set(found).size).toBe(12)
      const tagged = await readAllPages((cursor) =>
        listTagVideos(world.ctx, {
          viewerId: viewer.id,
          tag: 'pal',
          page: { limit, ...(cursor && { cursor }) },
        }),
      )
      expect(tagged.map((video) => video.id)).toEqual(found)
      const handles = await walk(limit, 'people', (page) => page.people.map((person) => person.handle))
      expect(handles).toEqual(authors.map((author) => author.handle))
      const names = await walk(limit, 'tags', (page) => page.tags.map((tag) => tag.tag))
      expect(names).toHaveLength(13)
      expect(new Set(names).size).toBe(13)
    }),
    { numRuns: 12 },
  )
})

test('any text is answered, never with an error', async () => {
  await using world = await createWorld()
  const author = await world.account()
  await makeVideo(world, author.id, { caption: 'anything #at #all' })
  const text = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...'%_\\#@\'" \0a'), minLength: 1, maxLength: 40 }),
  )
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom<Kind>('videos', 'people', 'tags'), async (q, type) => {
      expect(await find(world, type, q)).toHaveProperty('nextCursor')
      await listTagVideos(world.ctx, { viewerId: null, tag: q, page: { limit: 5 } })
    }),
    { numRuns: 150 },
  )
})

test('over HTTP: the three kinds, a tag, and what is refused', async () => {
  await using world = await createWorld()
  await using api = await openApi(world, searchRoutes)
  const author = await world.account({ handle: 'otto' })
  const words = Array.from({ length: SEARCH_MAX_WORDS }, (_, index) => `w${index}`).join(' ')
  const videoId = await makeVideo(world, author.id, { caption: `${words} #straße` })
  const get = async (path: string) => (await api.call('GET', path)).json()

  expect(await get('/search?q=w1')).toMatchObject({ videos: [{ id: videoId }], people: [], tags: [] })
  expect(await get('/search?q=ott&type=people')).toMatchObject({ people: [{ handle: 'otto' }] })
  expect(await get('/search?q=stra&type=tags')).toMatchObject({ tags: [{ tag: 'straße', videoCount: 1 }] })
  expect(await get(`/tags/${encodeURIComponent('#Straße')}/videos`)).toMatchObject({
    items: [{ id: videoId }],
  })
  expect((await get(`/search?q=${encodeURIComponent(`${words} absent`)}`)).videos).toHaveLength(1)
  for (const query of ['', '?q=', '?q=%20', '?q=a&type=songs', `?q=${'a'.repeat(101)}`, '?q=a&limit=51'])
    expect(await get(`/search${query}`)).toMatchObject({ code: 'invalid-input' })
  expect(await get(`/search?q=${'a'.repeat(100)}`)).toMatchObject({ videos: [] })
  const forged = Buffer.from('[9,"a"]').toString('base64url')
  for (const type of ['people', 'tags'])
    for (const cursor of ['x', forged])
      expect(await get(`/search?q=a&type=${type}&cursor=${cursor}`)).toMatchObject({ code: 'invalid-input' })
  expect(await get('/search?q=a&cursor=x')).toMatchObject({ code: 'invalid-input' })
})
