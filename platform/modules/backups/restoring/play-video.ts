/** Plays a video as a player does: master playlist, media playlists, init segment and segments, and decodes what it got. */
import { z } from 'zod'
import { runFfmpeg } from '../../../infra/ffmpeg/index.ts'

/** Of each playlist: enough to know that it plays, on a machine that has other work. */
const SEGMENTS = 3
const LIMITS = { timeoutMs: 60_000, cpuS: 60, outputBytes: 100_000 }

const Probed = z.object({
  streams: z.array(z.object({ codec_type: z.string(), nb_read_frames: z.string().optional() })),
})

export interface Played {
  readonly segments: number
  readonly bytes: number
  readonly videoFrames: number
  /** Null: it has no sound of its own. */
  readonly audioFrames: number | null
}

/**
 * Plays the beginning of the smallest picture and of the sound.
 *
 * @param get what is at an address, relative to the master's
 * @throws when something is missing or can't be decoded
 */
export async function playVideo(
  masterUrl: string,
  get: (path: string) => Promise<Buffer>,
  signal: AbortSignal,
): Promise<Played> {
  const master = (await get(masterUrl)).toString('utf8')
  const variants = [...master.matchAll(/^#EXT-X-STREAM-INF:.*?BANDWIDTH=(\d+).*\n(.+)$/gm)].map(
    ([, bandwidth, uri]) => ({ bandwidth: Number(bandwidth), uri: uri! }),
  )
  const smallest = variants.sort((a, b) => a.bandwidth - b.bandwidth)[0]
  if (!smallest) throw new Error(`${masterUrl} names no variant.`)
  const sound = /^#EXT-X-MEDIA:TYPE=AUDIO.*URI="([^"]+)"/m.exec(master)?.[1]
  const pictures = await decode('video', resolve(masterUrl, smallest.uri), get, signal)
  const audio = sound === undefined ? null : await decode('audio', resolve(masterUrl, sound), get, signal)
  return {
    segments: pictures.segments + (audio?.segments ?? 0),
    bytes: pictures.bytes + (audio?.bytes ?? 0),
    videoFrames: pictures.frames,
    audioFrames: audio?.frames ?? null,
  }
}

const resolve = (base: string, uri: string): string => new URL(uri, new URL(base, 'http://here')).pathname

async function decode(
  kind: 'video' | 'audio',
  playlistUrl: string,
  get: (path: string) => Promise<Buffer>,
  signal: AbortSignal,
): Promise<{ segments: number; bytes: number; frames: number }> {
  const playlist = (await get(playlistUrl)).toString('utf8')
  const init = /^#EXT-X-MAP:URI="([^"]+)"/m.exec(playlist)?.[1]
  const uris = playlist.split('\n').filter((line) => line.trim() && !line.startsWith('#'))
  if (init === undefined || uris.length === 0) throw new Error(`${playlistUrl} names no segments.`)
  const wanted = uris.slice(0, SEGMENTS)
  const pieces: Buffer[] = []
  for (const uri of [init, ...wanted]) pieces.push(await get(resolve(playlistUrl, uri)))
  const bytes = Buffer.concat(pieces)
  const frames = await countFrames(kind, bytes, signal)
  if (frames === 0) throw new Error(`${playlistUrl}: not one frame of ${kind} could be decoded.`)
  return { segments: wanted.length, bytes: bytes.length, frames }
}

async function countFrames(kind: 'video' | 'audio', bytes: Buffer, signal: AbortSignal): Promise<number> {
  const chunks: Uint8Array[] = []
  const selector = kind === 'video' ? 'v' : 'a'
  await runFfmpeg({
    program: 'ffprobe',
    args: [
      ...['-v', 'error', '-protocol_whitelist', 'pipe', '-f', 'mp4', '-i', 'pipe:0'],
      ...['-select_streams', selector, '-count_frames', '-show_entries', 'stream=codec_type,nb_read_frames'],
      ...['-of', 'json'],
    ],
    limits: LIMITS,
    nice: 10,
    signal,
    stdin: (async function* () {
      yield bytes
    })(),
    outputs: [(chunk) => void chunks.push(chunk)],
  })
  const { streams } = Probed.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')))
  return Math.max(0, ...streams.map((stream) => Number(stream.nb_read_frames ?? 0)))
}
