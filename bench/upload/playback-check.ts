/** Whether what the receipt says is true: the playlists are read, and the first and last segments fetched. */
import type { VideoCard } from '../../contract/videos.ts'
import type { Person } from '../../tests/support/browser-upload.ts'

/** @throws saying what is missing */
export async function checkPlayback(
  url: string,
  person: Person,
  videoId: string,
  expected: { readonly renditions: number; readonly durationS: number },
): Promise<void> {
  const card = JSON.parse(await read(url, `/api/v1/videos/${videoId}`, person)) as VideoCard
  const masterUrl = new URL(card.playback.masterUrl, url).href
  const master = await read(url, masterUrl, person)
  const renditions = master.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (renditions.length !== expected.renditions)
    throw new Error(`${renditions.length} renditions instead of ${expected.renditions}:\n${master}`)
  for (const rendition of renditions) {
    const playlistUrl = new URL(rendition, masterUrl).href
    const playlist = await read(url, playlistUrl, person)
    const lastsS = [...playlist.matchAll(/#EXTINF:([\d.]+)/g)].reduce((sum, [, s]) => sum + Number(s), 0)
    if (Math.abs(lastsS - expected.durationS) > 0.5)
      throw new Error(`${rendition} lasts ${lastsS} s instead of ${expected.durationS}`)
    const segments = playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    for (const segment of new Set([segments[0]!, segments.at(-1)!]))
      await read(url, new URL(segment, playlistUrl).href, person)
  }
}

async function read(base: string, target: string, person: Person): Promise<string> {
  const response = await fetch(new URL(target, base), { headers: { cookie: person.cookie } })
  if (!response.ok) throw new Error(`${target}: ${response.status}`)
  return response.text()
}
