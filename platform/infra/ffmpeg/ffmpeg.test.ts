import { readFile } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import {
  composeEarlyStream,
  concat,
  copyArguments,
  createFragmentCutter,
  createSegmenter,
  defaultLimits,
  encodeArguments,
  judgeSource,
  parseProbe,
  planLadder,
  previewArguments,
  probeArguments,
  readMp4Layout,
  sniffContainer,
  stillArguments,
  type FfmpegJob,
  type LadderPlan,
  type SourceInfo,
  type SourceInput,
  type TrackInit,
} from '../../../engines/ladder/index.ts'
import { makeClip, type ClipName } from '../../../tests/support/clips.ts'
import { FfmpegError, HANDED_FILE, runFfmpeg, type RunInput } from './index.ts'

const limits = { timeoutMs: 60_000, cpuS: 60 }

interface Made {
  readonly track: TrackInit
  readonly segments: readonly {
    readonly startS: number
    readonly durationS: number
    readonly bytes: Uint8Array
  }[]
  readonly isIndependent: boolean
  readonly file: Uint8Array
}

type From = Pick<RunInput, 'file' | 'stdin'>

async function clip(name: ClipName): Promise<{ input: SourceInput; from: From }> {
  const file = await makeClip(name)
  const sniffed = sniffContainer((await readFile(file)).subarray(0, 1024))
  if (sniffed.kind !== 'video') throw new Error(`${name} is ${sniffed.kind}`)
  return { input: { from: 'file', path: HANDED_FILE, demuxer: sniffed.demuxer }, from: { file } }
}

/** A piped source: as it is while it arrives. */
const piped = (bytes: Uint8Array) => ({
  input: { from: 'pipe', demuxer: 'mov' } as const,
  from: { stdin: once(bytes) },
})

async function probe({ input, from }: { input: SourceInput; from: From }): Promise<SourceInfo> {
  const parts: Uint8Array[] = []
  const args = probeArguments(input)
  await runFfmpeg({ program: 'ffprobe', args, limits, ...from, outputs: [(chunk) => void parts.push(chunk)] })
  return parseProbe(Buffer.concat(parts).toString())
}

async function make(job: FfmpegJob, from: From): Promise<Made[]> {
  const cutters = job.outputs.map(() => createFragmentCutter())
  const pieces = job.outputs.map(() => [] as ReturnType<(typeof cutters)[0]['push']>)
  await runFfmpeg({
    args: job.args,
    limits,
    ...from,
    outputs: cutters.map((cutter, i) => (chunk) => void pieces[i]!.push(...cutter.push(chunk))),
  })
  return pieces.map((of) => {
    const [init, ...rest] = of
    if (init?.kind !== 'init') throw new Error('no init')
    const { track } = init
    const segmenter = createSegmenter(track.timescale)
    const segments = rest.map((piece) => (piece.kind === 'fragment' ? segmenter.push(piece.fragment) : null))
    const all = [...segments, segmenter.end()].filter((segment) => segment !== null)
    return {
      track,
      isIndependent: segmenter.isIndependent,
      file: concat([init.bytes, ...all.flatMap((segment) => segment.parts)]),
      segments: all.map(({ parts, startTicks, durationTicks }) => ({
        bytes: concat(parts),
        startS: startTicks / track.timescale,
        durationS: durationTicks / track.timescale,
      })),
    }
  })
}

async function makeLadder(name: ClipName, rungs?: (plan: LadderPlan) => LadderPlan['rungs']) {
  const { input, from } = await clip(name)
  const plan = planLadder(await probe({ input, from }))
  const job = encodeArguments({
    input,
    plan,
    limits: defaultLimits,
    rungs: rungs?.(plan) ?? plan.rungs,
    withAudio: true,
  })
  return { plan, made: await make(job, from) }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
}

describe('copying', () => {
  test("cuts a phone's video into segments of two seconds on one timeline with its sound", async () => {
    const { input, from } = await clip('h264BFrames')
    const plan = planLadder(await probe({ input, from }))
    const [picture, sound] = await make(copyArguments(input, plan, defaultLimits), from)

    expect(picture!.track).toMatchObject({ kind: 'video', codecs: 'avc1.64001e', width: 360, height: 640 })
    expect(picture!.segments.map(({ startS, durationS }) => [startS, durationS])).toEqual([
      [0, 2],
      [2, 2],
    ])
    expect(picture!.isIndependent).toBe(true)
    expect(sound!.track).toMatchObject({ kind: 'audio', codecs: 'mp4a.40.2', channels: 2 })
    expect(sound!.segments[0]!.startS).toBe(0)
    const shown = await probe(piped(picture!.file))
    expect(shown.hasHiddenStart).toBe(false)
  })

  test('starts while the index is still at the end of the file', async () => {
    const bytes = await readFile(await makeClip('h264IndexAtEnd'))
    const { moov } = readMp4Layout(bytes)
    const index = bytes.subarray(moov!.start, moov!.start + moov!.sizeBytes!)
    const early = composeEarlyStream(bytes.subarray(0, 1000), index)
    const stream = concat([early.head, bytes.subarray(early.continueAt)])
    const source = await probe(piped(stream.subarray(0, 200_000)))

    const { input, from } = piped(stream)
    const [picture] = await make(copyArguments(input, planLadder(source), defaultLimits), from)

    expect(picture!.segments.map(({ durationS }) => durationS)).toEqual([2, 2])
  })
})

describe('encoding', () => {
  test('cuts all rungs of one decode at the same frames', async () => {
    const { plan, made } = await makeLadder('hevc')

    expect(made.map(({ track }) => (track.kind === 'video' ? track.height : 'sound'))).toEqual([
      1280,
      960,
      640,
      'sound',
    ])
    const times = made.slice(0, 3).map(({ segments }) => segments.map((s) => [s.startS, s.durationS]))
    expect(times).toEqual(
      plan.rungs.map(() => [
        [0, 2],
        [2, 1],
      ]),
    )
    expect(made.every(({ isIndependent }) => isIndependent)).toBe(true)
  })

  test.each([
    ['a rotated phone video upright', 'rotated', 360, 640],
    ['stretched pixels square', 'h264Anamorphic', 480, 360],
    ['odd sides even', 'h264OddSize', 360, 640],
    ['interlaced fields whole', 'h264Interlaced', 360, 640],
    ['ten bits as eight', 'h264TenBit', 360, 640],
    ['HDR as SDR', 'hdr', 360, 640],
    ['a WebM', 'vp9', 360, 640],
    ['a transport stream with broken times', 'brokenTimestamps', 360, 640],
  ] as const)('shows %s', async (_, name, width, height) => {
    const { made } = await makeLadder(name)
    const shown = await probe(piped(made[0]!.file))

    expect(shown.video).toMatchObject({
      codec: 'h264',
      pixelFormat: 'yuv420p',
      displayWidth: width,
      displayHeight: height,
      rotationDeg: 0,
      sampleAspectRatio: { num: 1, den: 1 },
      isInterlaced: false,
      transfer: 'sdr',
      hasVariableFrameRate: false,
    })
  })

  test('tames a variable frame rate', async () => {
    const { plan, made } = await makeLadder('variableRate')
    const shown = await probe(piped(made[0]!.file))

    expect(plan.fps).toEqual({ num: 30, den: 1 })
    expect(shown.video).toMatchObject({ hasVariableFrameRate: false, measuredFps: expect.closeTo(30, 1) })
  })

  test('mixes 5.1 down to stereo that begins with the picture', async () => {
    const { made } = await makeLadder('h264FiveOne')
    const sound = made.at(-1)!

    expect(sound.track).toMatchObject({
      kind: 'audio',
      codecs: 'mp4a.40.2',
      channels: 2,
      sampleRateHz: 48_000,
    })
    expect(sound.segments[0]!.startS).toBe(0)
  })

  test('going on in the middle gives the very segments that were missing', async () => {
    const { input, from } = await clip('h264LongGop')
    const plan = planLadder(await probe({ input, from }))
    const options = { input, plan, limits: defaultLimits, rungs: plan.rungs, withAudio: false }
    const [whole] = await make(encodeArguments(options), from)
    const [rest] = await make(encodeArguments({ ...options, skipSegments: 2 }), from)

    expect(rest!.segments.map(({ durationS }) => durationS)).toEqual(
      whole!.segments.slice(2).map(({ durationS }) => durationS),
    )
  })

  test('makes a poster, a few pixels and a preview of its own segments', async () => {
    const { made } = await makeLadder('h264LongGop')
    const size = { width: 360, height: 640 }
    const still = stillArguments({ ...size, atMs: 500 })
    const [poster, tiny, preview] = [[], [], []] as [Uint8Array[], Uint8Array[], Uint8Array[]]

    await runFfmpeg({
      args: still.args,
      limits,
      stdin: once(made[0]!.file),
      outputs: [(chunk) => void poster.push(chunk), (chunk) => void tiny.push(chunk)],
    })
    await runFfmpeg({
      args: previewArguments({ ...size, fps: 30 }),
      limits,
      stdin: once(made[0]!.file),
      outputs: [(chunk) => void preview.push(chunk)],
    })

    expect([...concat(poster).subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff])
    expect(concat(tiny).length).toBe(still.tiny.width * still.tiny.height * 4)
    const webp = Buffer.from(concat(preview))
    expect(webp.subarray(0, 4).toString()).toBe('RIFF')
    expect(webp.readUInt32LE(4)).toBe(webp.length - 8)
    expect(webp.includes('ANIM')).toBe(true)
  })
})

describe('bad input', () => {
  test('a thousand frames a second, ten hours and 15360 pixels are refused by the probe', async () => {
    const codeOf = async (name: ClipName) => judgeSource(await probe(await clip(name)))?.code
    expect(await codeOf('thousandFps')).toBe('video-too-many-fps')
    expect(await codeOf('tenHours')).toBe('video-too-long')
    expect(await codeOf('veryWide')).toBe('video-too-large')
    expect(await codeOf('onePixel')).toBe('video-too-small')
    expect(await codeOf('soundOnly')).toBe('video-no-picture')
  })

  test("a file without its index is the source's fault", async () => {
    await expect(probe(await clip('indexless'))).rejects.toMatchObject({ failure: 'bad-input' })
  })

  test.each(['hlsOfSecrets', 'hlsOfAddress', 'concatOfSecrets'] as const)(
    '%s opens nothing even when it reaches the demuxer',
    async (name) => {
      const input: SourceInput = { from: 'file', demuxer: 'mov', path: HANDED_FILE }
      const failed = await probe({ input, from: { file: await makeClip(name) } }).catch(
        (error: unknown) => error,
      )
      expect(failed).toBeInstanceOf(FfmpegError)
      expect((failed as FfmpegError).stderrTail).not.toMatch(/root:|Connection refused|passwd/)
    },
  )
})

describe('guarding', () => {
  const forever = ['-nostdin', '-f', 'lavfi', '-i', 'testsrc2=s=320x240', '-f', 'rawvideo', 'pipe:3']
  const drop = () => {}

  test('stops what runs too long', async () => {
    const run = runFfmpeg({ args: forever, limits: { timeoutMs: 300 }, outputs: [drop] })
    await expect(run).rejects.toMatchObject({ failure: 'timeout' })
  })

  test('stops what uses too much processor time', async () => {
    const run = runFfmpeg({ args: forever, limits: { timeoutMs: 30_000, cpuS: 1 }, outputs: [drop] })
    await expect(run).rejects.toMatchObject({ failure: 'timeout' })
  })

  test('stops what gives too much', async () => {
    const run = runFfmpeg({
      args: forever,
      limits: { timeoutMs: 30_000, outputBytes: 1_000_000 },
      outputs: [drop],
    })
    await expect(run).rejects.toMatchObject({ failure: 'output-too-large' })
  })

  test('is out of memory before the machine is', async () => {
    const args = [
      '-nostdin',
      '-f',
      'lavfi',
      '-i',
      'color=s=8000x8000',
      '-vf',
      'scale=12000:12000',
      '-frames:v',
      '3',
    ]
    const run = runFfmpeg({
      args: [...args, '-c:v', 'rawvideo', '-threads', '1', '-f', 'rawvideo', 'pipe:3'],
      limits: { timeoutMs: 30_000, memoryBytes: 400_000_000 },
      outputs: [drop],
    })
    await expect(run).rejects.toMatchObject({ failure: 'crashed' })
  })

  test('ends when the caller gives up', async () => {
    const abort = new AbortController()
    const run = runFfmpeg({
      args: forever,
      limits: { timeoutMs: 30_000 },
      outputs: [() => abort.abort()],
      signal: abort.signal,
    })
    await expect(run).rejects.toMatchObject({ failure: 'cancelled' })
  })

  test('tells a full disk from a bad source', async () => {
    const full = () => {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    const run = runFfmpeg({ args: forever, limits: { timeoutMs: 30_000 }, outputs: [full] })
    await expect(run).rejects.toMatchObject({ failure: 'no-space' })
  })

  test('tells a crash from a refusal', async () => {
    const pids: number[] = []
    const args = ['-nostdin', '-f', 'lavfi', '-i', 'testsrc2=s=320x240', '-f', 'rawvideo', 'pipe:3']
    const run = runFfmpeg({
      args,
      limits: { timeoutMs: 30_000 },
      outputs: [() => pids.forEach((pid) => process.kill(pid, 'SIGSEGV'))],
      onStart: (pid) => void pids.push(pid),
    })
    await expect(run).rejects.toMatchObject({ failure: 'crashed' })
  })

  test('can write no file and reach no address', async () => {
    const source = ['-nostdin', '-f', 'lavfi', '-i', 'testsrc2=s=64x64:d=1']
    const file = runFfmpeg({
      args: [...source, '-f', 'rawvideo', '-y', '/tmp/upbeat-must-stay-empty'],
      limits,
    })
    await expect(file).rejects.toBeInstanceOf(FfmpegError)
  })

  test('reads its input no faster than it is used, and lets go of it at the end', async () => {
    const path = await makeClip('h264')
    await using handle = await open(path)
    let isReleased = false
    async function* endless() {
      try {
        yield* handle.createReadStream({ autoClose: false })
        for (;;) yield new Uint8Array(65_536)
      } finally {
        isReleased = true
      }
    }
    const source = await probe({ input: { from: 'pipe', demuxer: 'mov' }, from: { stdin: endless() } })
    expect(source.video?.codec).toBe('h264')
    await expect.poll(() => isReleased).toBe(true)
  })
})
