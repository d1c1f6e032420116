/** Two thousand people want one segment that the edge does not have, and the fetch that all of them wait for hangs. */
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { medianOf, quantileOf } from '../../rig/quantile.ts'
import { edgeDocument, startEdge } from '../../support/edge-process.ts'
import { openFaultyOrigin, segmentBytesOf } from '../../support/faulty-origin.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { allowedMs, type Report } from '../report.ts'

const PEOPLE = 2_000
const FETCH_MS = 1_500
const SEGMENT_BYTES = 16_384
const WARMING = 12
const FETCHES_MAX = 2
const WAIT_MAX = 1.5

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin({ segmentBytes: SEGMENT_BYTES, paceMs: FETCH_MS })
  await using edge = await startEdge({
    dir: dir.path,
    document: edgeDocument({ origins: [{ name: 'home', url: origin.url }] }),
  })
  const video = uuidv7()
  const pathOf = (segment: number) => `/media/${video}/g1/v540/${String(segment).padStart(5, '0')}.m4s`
  const alone = await Promise.all(Array.from({ length: WARMING }, (_, n) => ask(edge.port, pathOf(n))))
  const oneMs = medianOf(alone.map(({ tookMs }) => tookMs))
  await sleep(500)

  for (const [what, hot, hang] of [
    ['one segment that nobody has', pathOf(100), 0],
    ['one segment whose fetch hangs', pathOf(101), 1],
  ] as const) {
    if (hang > 0) origin.be('hangs', hang)
    const answers = await Promise.all(Array.from({ length: PEOPLE }, () => ask(edge.port, hot)))
    origin.be('none')
    const right = segmentBytesOf(hot, SEGMENT_BYTES)
    const served = answers.filter(({ status, body }) => status === 200 && body.equals(right)).length
    const fetches = origin.asked.filter(({ path }) => path === hot).length
    const slowestMs = quantileOf(
      answers.map(({ tookMs }) => tookMs),
      0.99,
    )
    report.promise(`${what}: all ${PEOPLE} get its very bytes`, served === PEOPLE, `${served} did`)
    report.promise(
      `${what}: the origin is asked at most ${FETCHES_MAX} times`,
      fetches <= FETCHES_MAX,
      `${fetches} times`,
    )
    report.promise(
      `${what}: who waits has it within ${WAIT_MAX} times one fetch`,
      slowestMs <= allowedMs(oneMs * WAIT_MAX),
      `p99 ${slowestMs.toFixed(0)} ms, one fetch ${oneMs.toFixed(0)} ms: ${(slowestMs / oneMs).toFixed(2)} times`,
    )
  }
}

const agent = new Agent({ keepAlive: false, maxSockets: Infinity })

interface Answer {
  readonly status: number
  readonly body: Buffer
  readonly tookMs: number
}

function ask(port: number, path: string): Promise<Answer> {
  const beganMs = performance.now()
  return new Promise((resolve) => {
    const end = (status: number, parts: Buffer[]) =>
      resolve({ status, body: Buffer.concat(parts), tookMs: performance.now() - beganMs })
    get({ host: '127.0.0.1', port, path, agent }, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.once('close', () => end(answer.complete ? answer.statusCode! : 0, parts))
    }).once('error', () => end(0, []))
  })
}
