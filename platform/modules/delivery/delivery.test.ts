import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Door } from '../../../kit/admission/index.ts'
import type { MediaManifest } from '../../../engines/ladder/manifest.ts'
import { createFakeClock, createWorld, type World } from '../../../tests/support/world.ts'
import { startFaultProxy } from '../../../tests/support/fault-proxy.ts'
import { makeManifest, makeRendition, makeVideo } from '../../../tests/support/videos.ts'
import { openContext } from '../../app/context.ts'
import { createApp } from '../../app/http.ts'
import { inTransaction } from '../../infra/db/index.ts'
import { deleteVideo, editVideo, recordGeneration, recordPictures, signMediaToken } from '../videos/index.ts'
import { registerMedia } from './index.ts'

const HOUR_MS = 3_600_000
const SEGMENT = randomBytes(100_000)
const INIT = randomBytes(700)

/** A manifest of one segment per rendition whose files really are there. */
async function storeGeneration(world: World, videoId: string, generation: number, height = 540) {
  const prefix = `videos/${videoId}/g${generation}/v${height}`
  await world.ctx.blobs.put(`${prefix}/init.mp4`, INIT)
  await world.ctx.blobs.put(`${prefix}/00000.m4s`, SEGMENT)
  const sha256 = createHash('sha256').update(SEGMENT).digest('hex')
  const made = makeManifest(generation, 'ladder', [height])
  const [video] = made.videos
  const segments = [{ ...video!.segments[0]!, sha256 }]
  return { ...made, videos: [{ ...video!, segments }] } satisfies MediaManifest
}

async function makeStoredVideo(world: World, options: Parameters<typeof makeVideo>[2] = {}) {
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { ...options, isPlayable: false })
  const manifest = await storeGeneration(world, videoId, 1)
  await inTransaction(world.ctx, (tx) => recordGeneration(world.ctx, tx, { videoId, manifest }))
  return { videoId, author, manifest }
}

function openMedia(world: World) {
  const app = createApp(world.ctx)
  registerMedia(app, world.ctx)
  const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
  return { app, get, [Symbol.asyncDispose]: () => app.close() }
}

const eventually = async (check: () => Promise<boolean>) => {
  for (let i = 0; i < 200 && !(await check()); i++) await sleep(20)
  expect(await check()).toBe(true)
}

test('from the master playlist a player finds its way to every byte', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const { videoId } = await makeStoredVideo(world)
  const base = `/media/${videoId}/g1/`

  const master = await media.get(`${base}master.m3u8`)
  expect(master.headers).toMatchObject({
    'content-type': 'application/vnd.apple.mpegurl',
    'cache-control': 'public, max-age=300',
    'access-control-allow-origin': '*',
    'timing-allow-origin': '*',
  })
  const variant = master.body.split('\n').find((line) => line.endsWith('.m3u8'))!
  const playlist = await media.get(base + variant)
  expect(playlist.body).toContain('#EXT-X-ENDLIST')
  const init = /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist.body)![1]!
  const segment = playlist.body.split('\n').find((line) => line.endsWith('.m4s'))!
  expect((await media.get(base + init)).rawPayload.equals(INIT)).toBe(true)
  const answer = await media.get(base + segment)
  expect(answer.rawPayload.equals(SEGMENT)).toBe(true)
  expect(answer.headers).toMatchObject({
    'content-type': 'video/mp4',
    'content-length': '100000',
    'cache-control': 'public, max-age=31536000, immutable',
    'accept-ranges': 'bytes',
    etag: `"${createHash('sha256').update(SEGMENT).digest('hex').slice(0, 32)}"`,
  })
})

test('ranges, conditions and HEAD are answered as RFC 9110 says', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const { videoId } = await makeStoredVideo(world)
  const url = `/media/${videoId}/g1/v540/00000.m4s`
  const { etag } = (await media.get(url)).headers as { etag: string }

  const part = await media.get(url, { range: 'bytes=10-19', 'if-range': etag })
  expect(part.statusCode).toBe(206)
  expect(part.headers).toMatchObject({ 'content-range': 'bytes 10-19/100000', 'content-length': '10' })
  expect(part.rawPayload.equals(SEGMENT.subarray(10, 20))).toBe(true)
  const stalePart = await media.get(url, { range: 'bytes=10-19', 'if-range': '"other"' })
  expect(stalePart.statusCode).toBe(200)
  const beyond = await media.get(url, { range: 'bytes=100000-' })
  expect([beyond.statusCode, beyond.headers['content-range']]).toEqual([416, 'bytes */100000'])
  const unchanged = await media.get(url, { 'if-none-match': etag })
  expect([unchanged.statusCode, unchanged.body]).toEqual([304, ''])
  const head = await media.app.inject({ method: 'HEAD', url, headers: { range: 'bytes=0-1' } })
  expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([200, '', '100000'])

  const masterUrl = `/media/${videoId}/g1/master.m3u8`
  const master = await media.get(masterUrl)
  const again = await media.get(masterUrl, { 'if-none-match': master.headers.etag as string })
  expect(again.statusCode).toBe(304)
})

test('a later generation’s playlist leads to the renditions it reuses, also after the older one’s row is gone', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const { videoId, manifest } = await makeStoredVideo(world)
  const ladder = await storeGeneration(world, videoId, 2, 1080)
  const both = { ...ladder, videos: [...ladder.videos, manifest.videos[0]!] }
  await inTransaction(world.ctx, (tx) => recordGeneration(world.ctx, tx, { videoId, manifest: both }))
  await world.ctx.db.deleteFrom('video_generation').where('generation', '=', 1).execute()

  const playlist = await media.get(`/media/${videoId}/g2/v540.m3u8`)
  expect(playlist.body).toContain('../g1/v540/00000.m4s')
  expect((await media.get(`/media/${videoId}/g1/v540/00000.m4s`)).statusCode).toBe(200)
  expect((await media.get(`/media/${videoId}/g2/v540/00000.m4s`)).statusCode).toBe(404)
  expect((await media.get(`/media/${videoId}/g1/master.m3u8`)).statusCode).toBe(404)
})

test('what is not public, or not published, looks missing without a token, and is private with one until it ends', async () => {
  const clock = createFakeClock()
  await using world = await createWorld({ clock })
  await using media = openMedia(world)
  const open = await makeStoredVideo(world)
  const hidden = [
    await makeStoredVideo(world, { visibility: 'private' }),
    await makeStoredVideo(world, { visibility: 'followers' }),
    await makeStoredVideo(world, { isPublishRequested: false }),
  ]
  for (const { videoId } of hidden) {
    const token = signMediaToken(world.ctx.secrets.media, videoId, clock.now())
    for (const file of ['master.m3u8', 'v540.m3u8', 'v540/init.mp4', 'v540/00000.m4s']) {
      const refused = await media.get(`/media/${videoId}/g1/${file}`)
      expect(refused.json()).toMatchObject({ status: 404, code: 'not-found' })
      expect(refused.headers['cache-control']).toBe('no-store')
      const foreign = await media.get(`/media/t/${token}/${open.videoId.replace(/.$/, '0')}/g1/${file}`)
      expect(foreign.statusCode).toBe(404)
      const allowed = await media.get(`/media/t/${token}/${videoId}/g1/${file}`)
      expect(allowed.statusCode).toBe(200)
      expect(allowed.headers['cache-control']).toMatch(/^private, max-age=(300|21600)/)
    }
  }
  const { videoId } = hidden[0]!
  const token = signMediaToken(world.ctx.secrets.media, videoId, clock.now())
  clock.advance(6 * HOUR_MS)
  expect((await media.get(`/media/t/${token}/${videoId}/g1/master.m3u8`)).statusCode).toBe(404)
})

test('a video that turns private or is deleted is refused at once, in every process', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  await using other = openMedia(world)
  const [edited, deleted] = [await makeStoredVideo(world), await makeStoredVideo(world)]
  const urls = [edited, deleted].map(({ videoId }) => `/media/${videoId}/g1/v540/00000.m4s`)
  for (const url of urls)
    for (const process of [media, other]) expect((await process.get(url)).statusCode).toBe(200)

  const { ctx } = world
  await editVideo(ctx, {
    viewerId: edited.author.id,
    videoId: edited.videoId,
    edit: { visibility: 'private' },
  })
  await deleteVideo(ctx, { viewerId: deleted.author.id, videoId: deleted.videoId })

  for (const url of urls)
    for (const process of [media, other])
      await eventually(async () => (await process.get(url)).statusCode === 404)
})

test('a growing generation is listed without an end and asked for again soon', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { isPlayable: false })
  const manifest = await storeGeneration(world, videoId, 1)
  const record = (isGrowing: boolean) =>
    inTransaction(world.ctx, (tx) => recordGeneration(world.ctx, tx, { videoId, manifest, isGrowing }))
  const url = `/media/${videoId}/g1/v540.m3u8`
  await record(true)
  const growing = await media.get(url)
  expect(growing.headers['cache-control']).toBe('public, max-age=1')
  expect(growing.body).not.toContain('#EXT-X-ENDLIST')
  await record(false)
  await eventually(async () => (await media.get(url)).body.includes('#EXT-X-ENDLIST'))
})

test('posters and previews are served by version; version 0 is whichever is there', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const { videoId } = await makeStoredVideo(world)
  const poster = `/media/${videoId}/poster-0.jpg`
  expect((await media.get(poster)).statusCode).toBe(404)
  await world.ctx.blobs.put(`videos/${videoId}/poster-2.jpg`, Buffer.from('poster'))
  await world.ctx.blobs.put(`videos/${videoId}/preview-1.webp`, Buffer.from('preview'))
  await inTransaction(world.ctx, (tx) =>
    recordPictures(world.ctx, tx, { videoId, posterVersion: 2, previewVersion: 1 }),
  )

  await eventually(async () => (await media.get(poster)).body === 'poster')
  expect((await media.get(poster)).headers['cache-control']).toBe('public, max-age=0, must-revalidate')
  const fixed = await media.get(`/media/${videoId}/poster-2.jpg`)
  const digested = await media.get(`/media/${videoId}/poster-2.jpg`, { 'want-repr-digest': 'sha-256=10' })
  expect([fixed.headers['repr-digest'], digested.headers['repr-digest'], digested.body]).toEqual([
    undefined,
    `sha-256=:${createHash('sha256').update('poster').digest('base64')}:`,
    'poster',
  ])
  expect(fixed.headers).toMatchObject({
    'content-type': 'image/jpeg',
    'cache-control': 'public, max-age=31536000, immutable',
  })
  expect((await media.get(`/media/${videoId}/preview-1.webp`)).headers['content-type']).toBe('image/webp')
  expect((await media.get(`/media/${videoId}/poster-1.jpg`)).statusCode).toBe(404)
})

test('files that no manifest names are not served, whatever lies in the folder; a lost one is a 404', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const { videoId } = await makeStoredVideo(world)
  await world.ctx.blobs.put(`videos/${videoId}/g1/v540/00001.m4s`, Buffer.from('half written'))
  expect((await media.get(`/media/${videoId}/g1/v540/00001.m4s`)).statusCode).toBe(404)
  await world.ctx.blobs.delete(`videos/${videoId}/g1/v540/00000.m4s`)
  expect((await media.get(`/media/${videoId}/g1/v540/00000.m4s`)).json()).toMatchObject({ code: 'not-found' })
  expect((await media.get('/media/%2e%2e/secrets.json')).statusCode).toBe(404)
})

test.each(['cut', 'freeze'] as const)(
  'with the database away (%s) what is being watched plays on, and the rest says so with a retry time',
  async (fault) => {
    const clock = createFakeClock()
    await using world = await createWorld({ clock })
    const databaseUrl = new URL(world.databaseUrl)
    const { hostname: targetHost, port } = databaseUrl
    await using proxy = await startFaultProxy({ targetHost, targetPort: Number(port) })
    databaseUrl.hostname = '127.0.0.1'
    databaseUrl.port = String(proxy.port)
    const cut = () => {
      proxy.refuse()
      proxy.reset()
    }
    const config = { ...world.config, database: { url: databaseUrl.href, poolSize: 2 } }
    await using process = await openContext({ config, role: 'test', clock })
    await using media = openMedia({ ...world, ctx: process.ctx })
    const [watched, unknown] = [await makeStoredVideo(world), await makeStoredVideo(world)]
    const url = `/media/${watched.videoId}/g1/v540/00000.m4s`
    expect((await media.get(url)).statusCode).toBe(200)
    if (fault === 'cut') cut()
    else proxy.freeze()

    clock.advance(HOUR_MS)
    expect((await media.get(url)).statusCode).toBe(200)
    if (fault === 'cut') {
      const refused = await media.get(`/media/${unknown.videoId}/g1/master.m3u8`)
      expect(refused.json()).toMatchObject({ status: 503, code: 'database-unavailable' })
      expect(refused.headers['retry-after']).toBe('5')
    }
    // Frozen connections can't be closed in order.
    cut()
  },
)

test('a viewer who leaves in the middle leaves no open file behind', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const { videoId } = await makeStoredVideo(world)
  const opened: Readable[] = []
  const { read } = world.ctx.blobs
  // Far more than sockets buffer, so that the answer is still under way when the viewer goes.
  world.ctx.blobs.read = async (...args) => {
    const stream = args[0].endsWith('00000.m4s') ? Readable.from(endless()) : await read(...args)
    opened.push(stream)
    return stream
  }
  await media.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = media.app.server.address() as AddressInfo

  const request = httpRequest({ port, path: `/media/${videoId}/g1/v540/00000.m4s` }).end()
  const [response] = (await once(request, 'response')) as [Readable]
  await once(response, 'readable')
  request.destroy()

  await eventually(async () => opened.length === 1 && opened[0]!.destroyed)
})

async function* endless() {
  for (;;) yield Buffer.alloc(65_536)
}

test('a preflight is allowed', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const answer = await media.app.inject({
    method: 'OPTIONS',
    url: `/media/${world.ctx.newId()}/g1/master.m3u8`,
    headers: { origin: 'https://elsewhere.example', 'access-control-request-method': 'GET' },
  })
  expect(answer.statusCode).toBe(204)
  expect(answer.headers['access-control-allow-headers']).toContain('range')
})

test('each rendition is served under the type of what it holds', async () => {
  await using world = await createWorld()
  await using media = openMedia(world)
  const author = await world.account()
  const videoId = await makeVideo(world, author.id, { isPlayable: false })
  const { id: _id, width: _w, height: _h, fps: _f, ...sound } = makeRendition(1, 540)
  const audio = { ...sound, id: 'a128', codecs: 'mp4a.40.2', channels: 2, sampleRateHz: 48_000 }
  const manifest = { ...(await storeGeneration(world, videoId, 1)), audio }
  await world.ctx.blobs.put(`videos/${videoId}/g1/a128/init.mp4`, INIT)
  await inTransaction(world.ctx, (tx) => recordGeneration(world.ctx, tx, { videoId, manifest }))
  expect((await media.get(`/media/${videoId}/g1/a128/init.mp4`)).headers['content-type']).toBe('audio/mp4')
  expect((await media.get(`/media/${videoId}/g1/master.m3u8`)).body).toContain('URI="a128.m3u8"')
})

test('while the store hangs players hear when to come again, and what needs no file goes on', async () => {
  await using world = await createWorld()
  const { videoId } = await makeStoredVideo(world)
  const hanging = Promise.withResolvers<void>()
  let isHanging = true
  const read: typeof world.ctx.blobs.read = async (...input) => {
    if (isHanging) await hanging.promise
    return world.ctx.blobs.read(...input)
  }
  const blobsDoor = new Door({
    name: 'blob store',
    initial: 2,
    max: 2,
    waitMs: 50,
    isFixed: true,
    isCutting: false,
  })
  const ctx = { ...world.ctx, blobs: { ...world.ctx.blobs, read }, blobsDoor }
  await using media = openMedia({ ...world, ctx })
  const segment = () => media.get(`/media/${videoId}/g1/v540/00000.m4s`)

  const held = [segment(), segment()]
  await expect.poll(() => blobsDoor.gate.inFlight).toBe(2)
  const refused = await segment()
  expect(refused.statusCode).toBe(503)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect(refused.json()).toMatchObject({ code: 'busy', facts: { at: 'blob store', class: 'P0' } })
  expect((await media.get(`/media/${videoId}/g1/master.m3u8`)).statusCode).toBe(200)

  isHanging = false
  hanging.resolve()
  expect((await Promise.all(held)).map(({ statusCode }) => statusCode)).toEqual([200, 200])
  expect((await segment()).rawPayload.equals(SEGMENT)).toBe(true)
  expect(blobsDoor.gate.inFlight).toBe(0)
})
