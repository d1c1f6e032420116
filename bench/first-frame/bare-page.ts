/** What the network and Chromium alone need: a page with one <video> and nothing else, over the same bytes. */
import { serveLocally, type LocalServer } from '../../tests/support/local-server.ts'

const PAGE = `<!doctype html><meta charset="utf-8"><title>bare</title>
<style>body{margin:0}video{width:100vw;height:100vh}</style>
<video src="/film.mp4" autoplay muted playsinline loop></video>`

/** Serves a film made of a rendition's initialisation and segments: those that the product's player chose. */
export const serveBarePage = (film: Uint8Array): Promise<LocalServer> =>
  serveLocally((request, response) => {
    if (request.url === '/film.mp4') {
      response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': film.byteLength })
      response.end(film)
    } else if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
      response.end(PAGE)
    } else response.writeHead(404).end()
  })

/** The whole film of one rendition: its initialisation and its segments, one after the other. */
export async function fetchFilm(playlistUrl: string): Promise<Uint8Array> {
  const playlist = await (await expectOk(playlistUrl)).text()
  const map = /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist)![1]!
  const segments = playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const parts: Buffer[] = []
  for (const name of [map, ...segments]) {
    const response = await expectOk(new URL(name, playlistUrl).href)
    parts.push(Buffer.from(await response.arrayBuffer()))
  }
  return Buffer.concat(parts)
}

async function expectOk(url: string): Promise<Response> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  return response
}
