/** People and videos on a product, and what a player asks of it. */
import { readFile } from 'node:fs/promises'
import type { VideoCard } from '../../../contract/videos.ts'
import type { Asked } from '../../rig/people/watching.ts'
import { makeClip } from '../../support/clips.ts'
import type { Product } from '../../support/product.ts'
import { hasEnded, signUp, startUpload, type DrillClient } from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'

const PLAYABLE_TIMEOUT_MS = 90_000

export interface Audience {
  readonly author: DrillClient
  /** Who acts. */
  readonly people: readonly DrillClient[]
  readonly videoIds: readonly string[]
  /** Everyone may see it; nobody acts on it. */
  readonly spareId: string
  /** Of the author alone. */
  readonly privateId: string
  /** What a player asks for: playlists and segments of the videos that everyone may see. */
  readonly media: readonly Asked[]
  /** The first page of everyone's feed in turn. */
  readonly feeds: readonly Asked[]
}

/** Signs people up and lets one of them publish; answers when all of it plays. */
export async function gather(
  product: Pick<Product, 'url'>,
  { people: peopleCount = 6, videos: videoCount = 3 } = {},
): Promise<Audience> {
  const author = await signUp(product.url)
  const people: DrillClient[] = []
  for (let n = 0; n < peopleCount; n++) people.push(await signUp(product.url))
  const videoIds: string[] = []
  for (let n = 0; n < videoCount; n++) videoIds.push(await publish(author, `for everyone ${n}`))
  const spareId = await publish(author, 'for everyone, for now')
  const privateId = await publish(author, 'for nobody else')
  await author.persist('PATCH', `/videos/${privateId}`, { visibility: 'private' })
  const media = await Promise.all(videoIds.map((id) => listMedia(product.url, id)))
  const feeds = await Promise.all(
    people.map(async (person) => ({
      path: '/api/v1/feed/for-you?limit=5',
      headers: { cookie: await person.cookies() },
    })),
  )
  return { author, people, videoIds, spareId, privateId, media: media.flat(), feeds }
}

/** Uploads a clip and waits until it is published. @returns the video's id */
export async function publish(author: DrillClient, caption: string): Promise<string> {
  const bytes = await readFile(await makeClip('h264'))
  const upload = await startUpload(author, bytes, caption)
  await upload.sendUntil(bytes.length)
  const receipt = await eventually(PLAYABLE_TIMEOUT_MS, async () => {
    const now = await author.receipt(upload.id)
    return hasEnded(now) ? now : null
  })
  if (receipt?.state !== 'complete') throw new Error(`"${caption}" did not get ready: ${receipt?.state}`)
  return upload.videoId
}

/** Master playlist, playlist of the first rendition, and its first segment. */
async function listMedia(url: string, videoId: string): Promise<Asked[]> {
  const card = (await (await fetch(`${url}/api/v1/videos/${videoId}`)).json()) as VideoCard
  const master = new URL(card.playback.masterUrl, url)
  const playlist = new URL(firstUri(await (await fetch(master)).text()), master)
  const segment = new URL(firstUri(await (await fetch(playlist)).text()), playlist)
  return [master, playlist, segment].map(({ pathname }) => ({ path: pathname }))
}

const firstUri = (playlist: string): string =>
  playlist.split('\n').find((line) => line.trim() && !line.startsWith('#')) ?? ''
