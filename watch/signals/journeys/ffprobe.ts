/** Asks ffprobe, where the machine has it, whether it can read a segment. It is handed bytes on a pipe, and reads nothing else. */
import { spawn } from 'node:child_process'

const TIMEOUT_MS = 8_000
const SAID_MAX_LENGTH = 300
/** It costs a process: once in so many segments. */
const ONE_IN = 8

let isThere: boolean | null = null
let turn = 0

/** What ffprobe has against the bytes, in its words; null: nothing, or it was not asked. */
export async function probeSegment(bytes: Buffer): Promise<string | null> {
  if (isThere === false || turn++ % ONE_IN !== 0) return null
  const answer = await run(bytes)
  isThere = answer !== 'missing'
  return answer === 'missing' || answer === 'fine' ? null : answer
}

function run(bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(
      'ffprobe',
      [
        '-v',
        'error',
        '-protocol_whitelist',
        'pipe',
        '-show_entries',
        'stream=codec_type',
        '-of',
        'csv=p=0',
        '-i',
        'pipe:0',
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS, killSignal: 'SIGKILL', env: {} },
    )
    let [streams, errors] = ['', '']
    child.stdout
      .setEncoding('utf8')
      .on('data', (text: string) => (streams = (streams + text).slice(-SAID_MAX_LENGTH)))
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (errors = (errors + text).slice(-SAID_MAX_LENGTH)))
    child.once('error', () => resolve('missing'))
    child.once('close', (code, signal) => {
      // Its own time-out or a kill says nothing of the bytes.
      if (signal) return resolve('fine')
      resolve(code === 0 && /video|audio/.test(streams) ? 'fine' : errors.trim() || 'that it has no stream')
    })
    // It stops reading once it knows enough.
    child.stdin.on('error', () => {})
    child.stdin.end(bytes)
  })
}
