/**
 * People who watch, in a process of their own: on a schedule, each asks for a playlist and a segment. It tells each outcome
 * with the time when it was due, so that what waits for a dead server counts from then.
 *
 * Arguments: port, requests a second, seconds, addresses (as JSON on standard input).
 */
import { text } from 'node:stream/consumers'
import { Agent, get } from 'node:http'

const [port, ratePerS, seconds] = process.argv.slice(2).map(Number) as [number, number, number]
const paths = JSON.parse(await text(process.stdin)) as string[]
const agent = new Agent({ keepAlive: true, maxSockets: 200 })
/** Longer, and a player shows that it stands still. */
const PATIENCE_MS = 4_000

function ask(path: string, dueAtMs: number): void {
  const tell = (isServed: boolean) =>
    process.stdout.write(`${JSON.stringify({ dueAtMs, tookMs: Date.now() - dueAtMs, isServed })}\n`)
  const request = get({ host: '127.0.0.1', port, path, agent, timeout: PATIENCE_MS }, (response) => {
    response.on('data', () => {}).on('error', () => {})
    response.once('close', () => tell(response.statusCode === 200 && response.complete))
  })
  request.once('timeout', () => request.destroy())
  request.once('error', () => tell(false))
}

const startMs = Date.now()
let [sent, worstLagMs] = [0, 0]
const timer = setInterval(() => {
  const nowMs = Date.now()
  for (; startMs + (sent * 1_000) / ratePerS <= nowMs; sent++) {
    const dueAtMs = startMs + (sent * 1_000) / ratePerS
    worstLagMs = Math.max(worstLagMs, nowMs - dueAtMs)
    ask(paths[sent % paths.length]!, dueAtMs)
  }
  if (nowMs - startMs < seconds * 1_000) return
  clearInterval(timer)
  setTimeout(() => {
    process.stdout.write(`${JSON.stringify({ worstLagMs })}\n`, () => process.exit(0))
  }, PATIENCE_MS + 500)
}, 5)
