/**
 * People who watch, in a process of their own: on a schedule, each asks for a playlist and a segment. It tells each outcome
 * with the time when it was due, so that what waits for a dead server counts from then.
 *
 * Arguments: port, requests a second, seconds. On standard input, as JSON: what is asked for in turn.
 */
import { text } from 'node:stream/consumers'
import { Agent, get } from 'node:http'
import type { Asked, Outcome } from './watching.ts'

const [port, ratePerS, seconds] = process.argv.slice(2).map(Number) as [number, number, number]
const asked = JSON.parse(await text(process.stdin)) as Asked[]
const agent = new Agent({ keepAlive: true, maxSockets: 200 })
/** Longer, and a player shows that it stands still. */
const PATIENCE_MS = 4_000

function ask({ path, headers }: Asked, dueAtMs: number): void {
  const lateMs = Date.now() - dueAtMs
  let isTold = false
  const tell = (status: number, isServed: boolean) => {
    if (isTold) return
    isTold = true
    const outcome: Outcome = { dueAtMs, lateMs, tookMs: Date.now() - dueAtMs, status, isServed }
    process.stdout.write(`${JSON.stringify(outcome)}\n`)
  }
  const request = get({ host: '127.0.0.1', port, path, headers, agent }, (response) => {
    response.on('data', () => {}).on('error', () => {})
    response.once('close', () => {
      clearTimeout(patience)
      tell(response.statusCode!, response.statusCode === 200 && response.complete)
    })
  })
  const patience = setTimeout(() => request.destroy(), PATIENCE_MS)
  request.once('error', () => tell(0, false))
}

const startMs = Date.now()
let [sent, worstLagMs] = [0, 0]
const timer = setInterval(() => {
  const nowMs = Date.now()
  for (; startMs + (sent * 1_000) / ratePerS <= nowMs; sent++) {
    const dueAtMs = startMs + (sent * 1_000) / ratePerS
    worstLagMs = Math.max(worstLagMs, nowMs - dueAtMs)
    ask(asked[sent % asked.length]!, dueAtMs)
  }
  if (nowMs - startMs < seconds * 1_000) return
  clearInterval(timer)
  setTimeout(() => {
    process.stdout.write(`${JSON.stringify({ worstLagMs })}\n`, () => process.exit(0))
  }, PATIENCE_MS + 500)
}, 5)
