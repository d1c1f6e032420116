/** Plays a video as far as a program can: playlists, the beginning and a segment of each rendition, checked for sense. */
import type { GuardedResponse } from '../../../kit/network/guarded-request.ts'
import { checkInit, checkSegment } from './fragmented-mp4.ts'
import { probeSegment } from './ffprobe.ts'
import { readMaster, readMedia, type Variant } from './playlist.ts'
import { journeyFailure, type Traveller } from './traveller.ts'

const SEGMENT_MAX_BYTES = 16 * 1024 * 1024

/**
 * @param rung the only rendition to look at, by its short edge; null: all
 * @throws {JourneyError} {UndecodableError}
 */
export async function watchVideo(
  traveller: Traveller,
  masterUrl: string,
  rung: string | null,
): Promise<void> {
  const master = await traveller.get('playlist', masterUrl)
  const base = new URL(masterUrl, `${traveller.origin}/`)
  const all = readMaster(master.body.toString('utf8'))
  const variants = rung === null ? all : all.filter(({ name }) => name === rung)
  // Not every video has every rendition.
  for (const variant of variants) await watchVariant(traveller, variant, base)
}

async function watchVariant(traveller: Traveller, { uri, name }: Variant, base: URL): Promise<void> {
  const address = new URL(uri, base)
  const playlist = readMedia((await traveller.get(`playlist-${name}`, address.href)).body.toString('utf8'))
  const init =
    playlist.initUri === null ? null : await fetchBytes(traveller, name, new URL(playlist.initUri, address))
  // The one in the middle: the first is what caches have longest.
  const chosen = playlist.segmentUris[Math.floor(playlist.segmentUris.length / 2)]!
  const segment = await fetchBytes(traveller, name, new URL(chosen, address))
  try {
    if (init) checkInit(init)
    checkSegment(segment)
  } catch (error) {
    throw journeyFailure('undecodable', `rendition ${name}: ${(error as Error).message}`)
  }
  const complaint = init && (await probeSegment(Buffer.concat([init, segment])))
  if (complaint) throw journeyFailure('undecodable', `rendition ${name}: ffprobe says ${complaint}`)
}

async function fetchBytes(traveller: Traveller, name: string, url: URL): Promise<Buffer> {
  const answer: GuardedResponse = await traveller.send(`segment-${name}`, {
    method: 'GET',
    path: url.href,
    maxBodyBytes: SEGMENT_MAX_BYTES,
  })
  if (answer.isBodyCut)
    throw journeyFailure(
      'undecodable',
      `rendition ${name}: a segment has more than ${SEGMENT_MAX_BYTES} bytes.`,
    )
  return answer.body
}
