/**
 * Small real clips for tests, made by ffmpeg once and kept in the temporary folder under a name derived from how they
 * are made; and damaged or hostile files derived from them.
 */
import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { claimDuration, claimSize } from './clips/forge.ts'

const run = promisify(execFile)
const DIR = join(tmpdir(), 'upbeat-clips')

export interface ClipOptions {
  readonly seconds: number
  /** Width × height as encoded. */
  readonly size: string
  readonly fps: number
  /** Frames between keyframes. */
  readonly gop: number
}

const portrait: ClipOptions = { seconds: 4, size: '360x640', fps: 30, gop: 30 }

const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']
const aac = ['-c:a', 'aac', '-b:a', '96k']

const picture = ({ size, fps, seconds }: ClipOptions) => `testsrc2=s=${size}:r=${fps}:d=${seconds}`
const tone = (seconds: number) => `sine=frequency=440:sample_rate=48000:d=${seconds}`

function h264(options: Partial<ClipOptions> = {}, ...more: string[]): string[] {
  const clip = { ...portrait, ...options }
  return [
    ...['-f', 'lavfi', '-i', picture(clip), '-f', 'lavfi', '-i', tone(clip.seconds), '-ac', '2'],
    ...x264,
    ...['-g', String(clip.gop), '-profile:v', 'high', ...aac, '-shortest', ...more],
  ]
}

function hevc(seconds: number): string[] {
  return [
    ...[
      '-f',
      'lavfi',
      '-i',
      picture({ ...portrait, size: '720x1280', seconds }),
      '-f',
      'lavfi',
      '-i',
      tone(seconds),
    ],
    ...['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-tag:v', 'hvc1'],
    ...['-pix_fmt', 'yuv420p', ...aac, '-shortest'],
  ]
}

const faststart = ['-movflags', '+faststart']

/** Arguments and extension of each kind of clip. */
const recipes = {
  h264: ['mp4', h264({}, ...faststart)],
  h264IndexAtEnd: ['mp4', h264()],
  h264BFrames: ['mp4', h264({}, '-preset', 'veryfast', '-bf', '3', ...faststart)],
  h264Large: ['mp4', h264({ size: '1080x1920', seconds: 2 }, ...faststart)],
  h264Portrait720: ['mp4', h264({ size: '720x1280', seconds: 12 }, ...faststart)],
  h264Long: ['mp4', h264({ seconds: 90 }, ...faststart)],
  h264LongGop: ['mp4', h264({ seconds: 8, gop: 240 }, '-sc_threshold', '0', ...faststart)],
  /** Ten seconds that take an encoder a few. */
  slow: [
    'mp4',
    [
      ...[
        '-f',
        'lavfi',
        '-i',
        picture({ ...portrait, size: '1080x1920', fps: 60, seconds: 10 }),
        '-f',
        'lavfi',
        '-i',
        tone(10),
        '-t',
        '10',
      ],
      ...[...x264, '-g', '600', '-sc_threshold', '0', '-b:v', '20M', ...aac, ...faststart],
    ],
  ],
  h264Landscape: ['mp4', h264({ size: '640x360' }, ...faststart)],
  h264Mov: ['mov', h264()],
  h264Mkv: ['mkv', h264({ seconds: 6 }, '-preset', 'veryfast', '-bf', '2')],
  /** The first two groups of pictures are short, the rest is one long one. */
  h264MkvLongTail: [
    'mkv',
    h264(
      { seconds: 14, gop: 600 },
      '-sc_threshold',
      '0',
      '-force_key_frames',
      'expr:lt(t,2.1)*gte(t,n_forced)',
    ),
  ],
  h264FiveOne: ['mp4', h264({}, '-ac', '6', ...faststart)],
  h264OddSize: [
    'mp4',
    h264({}, '-vf', 'scale=361:641', '-pix_fmt', 'yuv444p', '-profile:v', 'high444', ...faststart),
  ],
  h264TenBit: ['mp4', h264({}, '-pix_fmt', 'yuv420p10le', '-profile:v', 'high10', ...faststart)],
  h264Anamorphic: ['mp4', h264({ size: '480x480' }, '-vf', 'setsar=4/3', ...faststart)],
  h264Interlaced: ['mp4', h264({}, '-x264-params', 'interlaced=1', '-vf', 'setfield=tff', ...faststart)],
  silent: ['mp4', ['-f', 'lavfi', '-i', picture(portrait), ...x264, '-g', '30', ...faststart]],
  soundOnly: ['mp4', ['-f', 'lavfi', '-i', tone(2), ...aac]],
  hevc: ['mp4', hevc(3)],
  /** As little of it as has all that a ladder is made of. */
  hevcShort: ['mp4', hevc(1)],
  hdr: [
    'mp4',
    [
      ...[
        '-f',
        'lavfi',
        '-i',
        picture({ ...portrait, seconds: 2 }),
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
      ],
      ...['-pix_fmt', 'yuv420p10le', '-color_primaries', 'bt2020', '-color_trc', 'smpte2084'],
      ...['-colorspace', 'bt2020nc', '-tag:v', 'hvc1', '-x265-params'],
      ...['log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc', ...faststart],
    ],
  ],
  vp9: [
    'webm',
    [
      ...['-f', 'lavfi', '-i', picture({ ...portrait, seconds: 3 }), '-f', 'lavfi', '-i', tone(3)],
      ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus', '-shortest'],
    ],
  ],
  variableRate: [
    'mp4',
    [
      ...['-f', 'lavfi', '-i', picture({ ...portrait, fps: 30 }), '-f', 'lavfi', '-i', tone(4)],
      ...[
        '-vf',
        "select='if(lt(t,2),1,not(mod(n,3)))'",
        '-vsync',
        'vfr',
        ...x264,
        '-g',
        '30',
        ...aac,
        ...faststart,
      ],
    ],
  ],
  onePixel: [
    'webm',
    ['-f', 'lavfi', '-i', 'testsrc2=s=16x16:r=10:d=1', '-vf', 'scale=1:1', '-c:v', 'libvpx'],
  ],
  veryWide: ['mp4', ['-f', 'lavfi', '-i', 'color=s=15360x64:r=10:d=1', ...x264, ...faststart]],
  thousandFps: [
    'mp4',
    ['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=1000:d=1', ...x264, '-g', '1000', ...faststart],
  ],
  transportStream: ['ts', h264({ seconds: 3 })],
  /** As Chromium's recorder writes it: no length, no cues, Opus for sound. */
  recorderMkv: [
    'mkv',
    [...h264({ seconds: 4 }), '-c:a', 'libopus', '-live', '1', '-cluster_time_limit', '500'],
  ],
} as const satisfies Record<string, readonly [extension: string, args: readonly string[]]>

type RecipeName = keyof typeof recipes

/** The path of a clip; makes it on the first call on this machine. */
export function makeClip(name: ClipName): Promise<string> {
  return isDerived(name) ? makeDerived(name) : makeRecipe(name)
}

function makeRecipe(name: RecipeName): Promise<string> {
  const [extension, args] = recipes[name]
  return keep(name, JSON.stringify(args), extension, (temporary) =>
    run('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args, temporary], { timeout: 60_000 }),
  )
}

const derived = {
  rotated: ['mp4', fromClip('h264Landscape', (from, to) => turn(from, to, 90))],
  truncated: ['mp4', fromBytes('h264', (bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.6)))],
  indexless: [
    'mp4',
    fromBytes('h264IndexAtEnd', (bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.6))),
  ],
  sixteenK: ['mp4', fromBytes('h264', (bytes) => claimSize(bytes, 15360, 8640))],
  tenHours: ['mp4', fromBytes('h264', (bytes) => claimDuration(bytes, 36_000))],
  polyglot: [
    'mp4',
    fromBytes('h264', (bytes) => Buffer.concat([bytes, Buffer.from('PK\u0005\u0006'), Buffer.alloc(18)])),
  ],
  brokenTimestamps: ['ts', fromBytes('transportStream', (bytes) => shuffleMiddle(bytes))],
  fragmented: [
    'mp4',
    fromClip('h264', (from, to) => remux(from, to, ['-movflags', 'frag_keyframe+empty_moov'])),
  ],
  textNamedMp4: ['mp4', fromText('This is a letter, not a video.\n'.repeat(40))],
  zip: ['mp4', fromText('PK\u0003\u0004\u0014\u0000\u0000\u0000\u0000\u0000 nothing else')],
  empty: ['mp4', fromText('')],
  hlsOfSecrets: [
    'mp4',
    fromText('#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n'),
  ],
  hlsOfAddress: [
    'mp4',
    fromText('#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n'),
  ],
  concatOfSecrets: ['mp4', fromText("ffconcat version 1.0\nfile '/etc/passwd'\n")],
} as const satisfies Record<string, readonly [extension: string, make: (path: string) => Promise<unknown>]>

type DerivedName = keyof typeof derived
export type ClipName = RecipeName | DerivedName

const isDerived = (name: ClipName): name is DerivedName => name in derived

/** How they are derived is this folder's code: any change of it makes them anew. */
const code = [import.meta.filename, join(import.meta.dirname, 'clips', 'forge.ts')]

async function makeDerived(name: DerivedName): Promise<string> {
  const [extension, make] = derived[name]
  const texts = await Promise.all(code.map((path) => readFile(path, 'utf8')))
  return keep(name, texts.join(), extension, make)
}

function fromClip(name: RecipeName, make: (from: string, to: string) => Promise<unknown>) {
  return async (path: string) => make(await makeRecipe(name), path)
}

function fromBytes(name: RecipeName, change: (bytes: Buffer) => Uint8Array) {
  return async (path: string) => writeFile(path, change(await readFile(await makeRecipe(name))))
}

function fromText(text: string) {
  return (path: string) => writeFile(path, text, 'latin1')
}

/** A display matrix, as phones write it when held upright. */
function turn(from: string, to: string, degrees: number): Promise<unknown> {
  return remux(from, to, ['-metadata:s:v:0', `rotate=${degrees}`, ...faststart])
}

function remux(from: string, to: string, args: string[]): Promise<unknown> {
  return run('ffmpeg', ['-v', 'error', '-nostdin', '-y', '-i', from, '-c', 'copy', ...args, to], {
    timeout: 30_000,
  })
}

/** Puts the second third of a transport stream before the first: its times jump back and forth. */
function shuffleMiddle(bytes: Buffer): Buffer {
  const third = Math.floor(bytes.length / 188 / 3) * 188
  return Buffer.concat([
    bytes.subarray(third, 2 * third),
    bytes.subarray(0, third),
    bytes.subarray(2 * third),
  ])
}

async function keep(
  name: string,
  recipe: string,
  extension: string,
  make: (temporary: string) => Promise<unknown>,
): Promise<string> {
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 12)
  const path = join(DIR, `${name}-${hash}.${extension}`)
  if (await stat(path).catch(() => null)) return path
  await mkdir(DIR, { recursive: true })
  const temporary = join(DIR, `${randomUUID()}.${extension}`)
  try {
    await make(temporary)
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  return path
}
