/** What ffmpeg says on standard error: progress blocks (`-progress pipe:2`), processor time, and complaints. */
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface RunProgress {
  /** How much has been made; null: nothing yet. */
  readonly outTimeMs: number | null
  /** Seconds of media per second. Null: not known yet. */
  readonly speed: number | null
}

const TAIL_BYTES = 8 * 1024
const PROGRESS_LINE =
  /^(frame|fps|stream_\S+|bitrate|total_size|out_time\w*|dup_frames|drop_frames|speed|progress)=/
/** With `-loglevel level+info` each line names its level. */
const CHATTER = /\[(info|verbose|debug|trace)\]|^\s|^$/

/** Reads to the end of the stream; keeps the last 8 KiB of what is no progress. */
export async function readReport(
  stderr: Readable,
  onProgress?: (progress: RunProgress) => void,
): Promise<{ stderrTail: string; cpuS: number | null }> {
  let tail = ''
  let cpuS: number | null = null
  let outTimeMs: number | null = null
  let speed: number | null = null
  const lines = createInterface({ input: stderr, crlfDelay: Infinity })
  // A stream that is destroyed ends without an end.
  stderr.on('error', () => lines.close())
  stderr.on('close', () => lines.close())
  for await (const line of lines) {
    if (PROGRESS_LINE.test(line)) {
      const [key, value] = line.split('=', 2) as [string, string]
      if (key === 'out_time_us') outTimeMs = finite(Number(value) / 1000)
      if (key === 'speed') speed = finite(Number.parseFloat(value))
      if (key === 'progress') onProgress?.({ outTimeMs, speed })
      continue
    }
    const bench = /bench: utime=([\d.]+)s stime=([\d.]+)s/.exec(line)
    if (bench) cpuS = Number(bench[1]) + Number(bench[2])
    else if (!CHATTER.test(line)) tail = `${tail}${line.slice(0, 1000)}\n`.slice(-TAIL_BYTES)
  }
  return { stderrTail: tail.trimEnd(), cpuS }
}

const finite = (value: number): number | null => (Number.isFinite(value) && value >= 0 ? value : null)
