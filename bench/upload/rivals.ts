/** What stands beside us: ffmpeg alone on the finished file. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  defaultLimits,
  encodeArguments,
  parseProbe,
  planLadder,
  probeArguments,
  type LadderPlan,
  type Rung,
  type SourceInput,
} from '../../engines/ladder/index.ts'
import { makeTemporaryDir } from '../../tests/support/temporary-dir.ts'
import type { Source } from './sources.ts'

export interface Effort {
  readonly wallS: number
  /** User and system time. */
  readonly processorS: number
}

export interface Rivals {
  readonly plan: LadderPlan
  /** All rungs and the sound by one command from one decode: the same arguments as ours. */
  readonly oneDecode: Effort
  /** The largest rung first, each rung by a command of its own from the one before; the film is published after the first. */
  readonly rungByRung: Effort & { readonly firstRungS: number }
  /** Decoding the picture once, and nothing else. */
  readonly decode: Effort
}

const FFMPEG_TIMEOUT_MS = 20 * 60_000

/** Runs all of them, one after the other, each with the machine to itself. */
export async function measureRivals(source: Source): Promise<Rivals> {
  const plan = await planOf(source)
  return {
    plan,
    oneDecode: await encodeFromOneDecode(source, plan),
    rungByRung: await encodeRungByRung(source, plan),
    decode: await decodeOnly(source, plan),
  }
}

const demuxerOf = (source: Source) => (source.path.endsWith('.webm') ? 'matroska' : 'mov')
const inputOf = (source: Source): SourceInput => ({
  from: 'file',
  demuxer: demuxerOf(source),
  path: source.path,
})

async function planOf(source: Source): Promise<LadderPlan> {
  const child = spawn('ffprobe', probeArguments(inputOf(source)), {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: FFMPEG_TIMEOUT_MS,
  })
  const text = (await Array.fromAsync(child.stdout.setEncoding('utf8'))).join('')
  return planLadder(parseProbe(text))
}

async function encodeFromOneDecode(source: Source, plan: LadderPlan): Promise<Effort> {
  await using dir = await makeTemporaryDir()
  const { args, outputs } = encodeArguments({
    input: inputOf(source),
    plan,
    limits: defaultLimits,
    rungs: plan.rungs,
    withAudio: true,
  })
  // The outputs go straight to files: nobody between ffmpeg and the disk.
  const files = await Promise.all(outputs.map((_, i) => open(join(dir.path, `${i}.mp4`), 'w')))
  try {
    return await runFfmpeg(
      args,
      files.map((file) => file.fd),
    )
  } finally {
    await Promise.all(files.map((file) => file.close()))
  }
}

async function encodeRungByRung(source: Source, plan: LadderPlan): Promise<Rivals['rungByRung']> {
  await using dir = await makeTemporaryDir()
  let from = source.path
  let wallS = 0
  let processorS = 0
  let firstRungS: number | null = null
  for (const rung of plan.rungs) {
    const to = join(dir.path, `${rung.id}.mp4`)
    const effort = await runFfmpeg(rungArguments(plan, rung, from, to))
    wallS += effort.wallS
    processorS += effort.processorS
    firstRungS ??= wallS
    from = to
  }
  return { wallS, processorS, firstRungS: firstRungS! }
}

/** The same encoder, preset, rate and groups of pictures as ours: only the order differs. */
function rungArguments(plan: LadderPlan, rung: Rung, from: string, to: string): string[] {
  return [
    ...['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'level+info', '-benchmark', '-y', '-i', from],
    ...['-vf', `fps=${plan.fps.num}/${plan.fps.den},scale=${rung.width}:${rung.height}:flags=bicubic`],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '23', '-pix_fmt', 'yuv420p'],
    ...['-maxrate', String(rung.maxrateBps), '-bufsize', String(rung.maxrateBps)],
    ...['-g', String(plan.gopFrames), '-keyint_min', String(plan.gopFrames), '-sc_threshold', '0'],
    ...['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-movflags', 'frag_keyframe+empty_moov', to],
  ]
}

function decodeOnly(source: Source, plan: LadderPlan): Promise<Effort> {
  const input = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'level+info', '-benchmark']
  return runFfmpeg([...input, '-i', source.path, '-map', `0:${plan.videoIndex}`, '-f', 'null', '-'])
}

async function runFfmpeg(args: readonly string[], descriptors: readonly number[] = []): Promise<Effort> {
  const startedAtMs = performance.now()
  const child = spawn('ffmpeg', args, {
    stdio: ['ignore', 'ignore', 'pipe', ...descriptors],
    timeout: FFMPEG_TIMEOUT_MS,
  })
  const [text, [code]] = await Promise.all([
    Array.fromAsync(child.stderr!.setEncoding('utf8')).then((parts) => parts.join('')),
    once(child, 'exit'),
  ])
  const wallS = (performance.now() - startedAtMs) / 1000
  const bench = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(text)
  if (code !== 0 || !bench) throw new Error(`ffmpeg ended with ${code}:\n${text.slice(-2000)}`)
  return { wallS, processorS: Number(bench[1]) + Number(bench[2]) }
}
