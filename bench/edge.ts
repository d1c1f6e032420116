/**
 * What an edge costs beside plain nginx that serves the same files from a folder, how much it takes off its origin, and
 * whether every part of a segment that it gives is right.
 *
 * Targets: of the issue on edges: at least 0.9 times plain nginx in requests a second and in bytes a CPU second; two origin
 * fetches for 2,000 misses; no wrong byte in 100,000 ranges.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { findFreePort } from '../kit/network/free-port.ts'
import { openNginx } from '../platform/edge/nginx/nginx.ts'
import { readWorkersNs } from './machine/processor-time.ts'
import { judgeConditions } from '../platform/modules/delivery/conditions.ts'
import { medianOf, roundTo } from '../tests/rig/quantile.ts'
import { signMediaToken } from '../platform/modules/videos/index.ts'
import { EDGE_MEDIA_KEY, edgeDocument, startEdge, type EdgeProcess } from '../tests/support/edge-process.ts'
import { openFaultyOrigin, segmentBytesOf, type FaultyOrigin } from '../tests/support/faulty-origin.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import type { BenchResult } from './support.ts'

const SEGMENT_BYTES = 256 * 1024
const FILES = 64
const ROUNDS = 12
const REQUESTS_A_ROUND = 2_000
const CONNECTIONS = 32
const RANGES = 100_000
const STAMPEDE = 2_000
const ZIPF_REQUESTS = 6_000
const ZIPF_KEYS = 600
const RATIO_MIN = 0.9
const FETCHES_MAX = 2
const NS_PER_S = 1e9

export async function run(): Promise<BenchResult> {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin({ segmentBytes: SEGMENT_BYTES })
  await using edge = await startEdge({
    dir: dir.path,
    document: edgeDocument({ origins: [{ name: 'home', url: origin.url }] }),
  })
  const video = uuidv7()
  const paths = Array.from({ length: FILES }, (_, n) => `/media/${video}/g1/v540/${n}.m4s`)
  await using plain = await startPlainNginx(join(dir.path, 'plain'), paths)
  for (const path of paths) await ask(edge.port, path)
  const edgePid = Number(await readFile(join(edge.dataDir, 'nginx', 'nginx.pid'), 'utf8'))

  const tokened = paths.map((path) =>
    path.replace('/media/', `/media/t/${signMediaToken(EDGE_MEDIA_KEY, video, new Date())}/`),
  )
  for (const path of tokened) await ask(edge.port, path)
  const rounds: Round[] = []
  // Turn by turn, and in the other order each other time, so that whatever else the machine does meets all.
  for (let round = 0; round < ROUNDS; round++) {
    const measures = {
      open: () => measure(edge.port, edgePid, paths),
      tokened: () => measure(edge.port, edgePid, tokened),
      rival: () => measure(plain.port, plain.pid, paths),
    }
    const names = ['open', 'tokened', 'rival'] as const
    const speeds = new Map<keyof Round, Speed>()
    for (const name of round % 2 === 0 ? names : names.toReversed()) speeds.set(name, await measures[name]())
    rounds.push(Object.fromEntries(speeds) as unknown as Round)
  }
  const ranges = await compareRanges(edge.port, paths)
  const stampede = await stampedeOn(edge, origin, video)
  const zipf = await playZipf(edge, origin, video)
  return toResult({ rounds, ranges, stampede, zipf })
}

/** What was measured within seconds of each other. */
interface Round {
  readonly open: Speed
  readonly tokened: Speed
  readonly rival: Speed
}

interface Speed {
  readonly requestsPerS: number
  readonly cpuSPerGb: number
}

async function measure(port: number, pid: number, paths: readonly string[]): Promise<Speed> {
  const before = await readWorkersNs(pid)
  const beganMs = performance.now()
  let bytes = 0
  await inParallel(REQUESTS_A_ROUND, CONNECTIONS, async (n) => {
    const { sizeBytes } = await ask(port, paths[n % paths.length]!, {}, false)
    bytes += sizeBytes
  })
  const seconds = (performance.now() - beganMs) / 1_000
  if (bytes !== REQUESTS_A_ROUND * SEGMENT_BYTES) throw new Error(`${bytes} bytes came.`)
  return {
    requestsPerS: REQUESTS_A_ROUND / seconds,
    cpuSPerGb: ((await readWorkersNs(pid)) - before) / NS_PER_S / (bytes / 1e9),
  }
}

/** The rival: Debian's nginx over a folder, with the same switches that make it fast, and nothing else. */
async function startPlainNginx(runDir: string, paths: readonly string[]) {
  const port = await findFreePort()
  const root = join(runDir, 'root')
  for (const path of paths) {
    await mkdir(join(root, path, '..'), { recursive: true, mode: 0o755 })
    await writeFile(join(root, path), segmentBytesOf(path, SEGMENT_BYTES), { mode: 0o644 })
  }
  const controlSocket = join(runDir, 'control.sock')
  const nginx = await openNginx({ program: '/usr/sbin/nginx', runDir, controlSocket })
  await nginx.apply(`${process.getuid?.() === 0 ? 'user www-data;' : ''}
worker_processes auto;
pid ${runDir}/nginx.pid;
error_log ${runDir}/error.log warn;
events { worker_connections 8192; multi_accept on; }
http {
  access_log off; sendfile on; sendfile_max_chunk 512k; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 10000; open_file_cache max=20000 inactive=60s; open_file_cache_valid 1s;
  client_body_temp_path ${runDir}/body; proxy_temp_path ${runDir}/proxy; fastcgi_temp_path ${runDir}/fastcgi;
  uwsgi_temp_path ${runDir}/uwsgi; scgi_temp_path ${runDir}/scgi;
  server { listen 127.0.0.1:${port}; root ${root}; }
  server { listen unix:${controlSocket}; location / { return 200 '{}'; } }
}`)
  const pid = (await nginx.pid())!
  return { port, pid, [Symbol.asyncDispose]: () => nginx.stop(false) }
}

/** How many answers differ from what the delivery module's own rule says (RFC 9110, 14), and how many never came. */
async function compareRanges(port: number, paths: readonly string[]) {
  const bodies = paths.map((path) => segmentBytesOf(path, SEGMENT_BYTES))
  const random = createRandom(42)
  const counts = { wrong: 0, unanswered: 0, parts: 0, unsatisfiable: 0 }
  await inParallel(RANGES, CONNECTIONS, async () => {
    const at = random(paths.length)
    const whole = bodies[at]!
    const start = random(SEGMENT_BYTES + 64)
    const length = random(2_048)
    const range = [
      `bytes=${start}-${start + length}`,
      `bytes=-${length}`,
      `bytes=${SEGMENT_BYTES - length - 1}-`,
    ][random(3)]!
    const verdict = judgeConditions({ range }, '"x"', whole.length)
    const { status, body } = await ask(port, paths[at]!, { range })
    if (verdict.kind === 'part') counts.parts += 1
    else counts.unsatisfiable += 1
    const isRight =
      verdict.kind === 'part'
        ? status === 206 && body.equals(whole.subarray(verdict.range.start, verdict.range.end + 1))
        : verdict.kind === 'unsatisfiable' && status === 416
    if (status === 0) counts.unanswered += 1
    else if (!isRight) counts.wrong += 1
  })
  return counts
}

/** Marsaglia's xorshift (2003): the low bits of what multiplies only repeat too soon. @returns whole numbers below what is asked */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}

async function stampedeOn(edge: EdgeProcess, origin: FaultyOrigin, video: string) {
  const path = `/media/${video}/g1/v720/1.m4s`
  const answers = await Promise.all(Array.from({ length: STAMPEDE }, () => ask(edge.port, path, {}, false)))
  return {
    served: answers.filter(({ sizeBytes }) => sizeBytes === SEGMENT_BYTES).length,
    fetches: origin.asked.filter((each) => each.path === path).length,
  }
}

/** Zipf, exponent 1, over two edges; one of them is ended halfway, and its people come to the other, which lacks what they want. */
async function playZipf(edge: EdgeProcess, origin: FaultyOrigin, video: string) {
  await using dir = await makeTemporaryDir()
  await using second = await startEdge({
    dir: dir.path,
    document: edgeDocument({ name: 'edge-two', origins: [{ name: 'home', url: origin.url }] }),
  })
  const weights = Array.from({ length: ZIPF_KEYS }, (_, n) => 1 / (n + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const random = createRandom(7)
  const pick = () => {
    let left = (random(2 ** 31) / 2 ** 31) * total
    return Math.max(
      0,
      weights.findIndex((weight) => (left -= weight) <= 0),
    )
  }
  const fetched = () => origin.asked.filter(({ path }) => path.includes('/v360/')).length
  const asked = new Set<number>()
  let failed = 0
  const play = (count: number, ports: readonly number[]) =>
    inParallel(count, CONNECTIONS, async (n) => {
      const key = pick()
      asked.add(key)
      const path = `/media/${video}/g1/v360/${key}.m4s`
      const first = await ask(ports[n % ports.length]!, path, {}, false)
      // As the player does: who does not answer is left for the other.
      const last = first.status === 200 ? first : await ask(edge.port, path, {}, false)
      if (last.sizeBytes !== SEGMENT_BYTES) failed += 1
    })
  await play(ZIPF_REQUESTS / 2, [edge.port, second.port])
  const before = fetched()
  const losing = second[Symbol.asyncDispose]()
  await play(ZIPF_REQUESTS / 2, [edge.port, second.port])
  await losing
  return {
    hitRatioBeforeLoss: 1 - before / (ZIPF_REQUESTS / 2),
    hitRatioAfterLoss: 1 - (fetched() - before) / (ZIPF_REQUESTS / 2),
    originFetches: fetched(),
    distinctKeys: asked.size,
    failed,
  }
}

interface Measured {
  readonly rounds: readonly Round[]
  readonly ranges: Awaited<ReturnType<typeof compareRanges>>
  readonly stampede: { readonly served: number; readonly fetches: number }
  readonly zipf: Awaited<ReturnType<typeof playZipf>>
}

/** Medians over the rounds; a ratio is that of two within one round. */
function compareSpeeds(rounds: readonly Round[], arm: 'open' | 'tokened') {
  const median = (of: (round: Round) => number) => medianOf(rounds.map(of))
  return {
    rate: median((round) => round[arm].requestsPerS),
    rateRatio: median((round) => round[arm].requestsPerS / round.rival.requestsPerS),
    cpu: median((round) => round[arm].cpuSPerGb),
    cpuRatio: median((round) => round.rival.cpuSPerGb / round[arm].cpuSPerGb),
  }
}

function toResult({ rounds, ranges, stampede, zipf }: Measured): BenchResult {
  const [open, tokened] = [compareSpeeds(rounds, 'open'), compareSpeeds(rounds, 'tokened')]
  const rivalRate = medianOf(rounds.map(({ rival }) => rival.requestsPerS))
  const rivalCpu = medianOf(rounds.map(({ rival }) => rival.cpuSPerGb))
  const target = `≥ ${RATIO_MIN} times plain nginx`
  const cpuTarget = `≤ 1 / ${RATIO_MIN} of plain nginx`
  const short = (isShort: boolean, words: string): string[] => (isShort ? [words] : [])
  const fallsShort = [
    ...short(
      open.rateRatio < RATIO_MIN,
      `Requests a second are ${open.rateRatio.toFixed(2)} times plain nginx's.`,
    ),
    ...short(
      open.cpuRatio < RATIO_MIN,
      `Bytes a CPU second are ${open.cpuRatio.toFixed(2)} times plain nginx's.`,
    ),
    ...short(
      tokened.cpuRatio < RATIO_MIN,
      `Bytes a CPU second, with a token, are ${tokened.cpuRatio.toFixed(2)} times plain nginx's.`,
    ),
    ...short(ranges.wrong > 0, `${ranges.wrong} of ${RANGES} ranges were answered wrongly.`),
    ...short(ranges.unanswered > 0, `${ranges.unanswered} of ${RANGES} ranges were not answered.`),
    ...short(stampede.fetches > FETCHES_MAX, `${STAMPEDE} misses made ${stampede.fetches} origin fetches.`),
    ...short(stampede.served < STAMPEDE, `Of ${STAMPEDE} misses ${stampede.served} were served.`),
    ...short(zipf.failed > 0, `${zipf.failed} of ${ZIPF_REQUESTS} were not served as an edge was lost.`),
  ]
  const row = (what: string, value: number, rival: number | null, unit: string, of: string | null) => ({
    ...{ what, ours: value, rival, unit, target: of },
  })
  const size = `${SEGMENT_BYTES / 1024} KiB`
  return {
    name: 'edge',
    rows: [
      row(`cached segments of ${size}`, open.rate, rivalRate, 'requests/s', target),
      row('CPU of the workers', open.cpu, rivalCpu, 's/GB', cpuTarget),
      row(`cached segments of ${size} with a token`, tokened.rate, rivalRate, 'requests/s', target),
      row('CPU of the workers with tokens', tokened.cpu, rivalCpu, 's/GB', cpuTarget),
      row(`wrong answers of ${RANGES} ranges`, ranges.wrong, null, '', '0'),
      row('ranges not answered', ranges.unanswered, null, '', '0'),
      row(`origin fetches for ${STAMPEDE} misses`, stampede.fetches, null, '', `≤ ${FETCHES_MAX}`),
      row('hits under Zipf, two cold edges', zipf.hitRatioBeforeLoss * 100, null, '%', null),
      row('hits once one of them is lost', zipf.hitRatioAfterLoss * 100, null, '%', null),
      row(
        `origin fetches of ${ZIPF_REQUESTS}, for ${zipf.distinctKeys} segments`,
        zipf.originFetches,
        null,
        '',
        null,
      ),
      row('of these not served', zipf.failed, null, '', '0'),
    ],
    figures: {
      requestsPerS: roundTo(open.rate, 0),
      rivalRequestsPerS: roundTo(rivalRate, 0),
      rateRatio: roundTo(open.rateRatio, 3),
      cpuSPerGb: roundTo(open.cpu, 3),
      rivalCpuSPerGb: roundTo(rivalCpu, 3),
      cpuRatio: roundTo(open.cpuRatio, 3),
      tokenedRateRatio: roundTo(tokened.rateRatio, 3),
      tokenedCpuRatio: roundTo(tokened.cpuRatio, 3),
      wrongRanges: ranges.wrong,
      unansweredRanges: ranges.unanswered,
      rangesAnsweredInPart: ranges.parts,
      rangesRefused: ranges.unsatisfiable,
      stampedeServed: stampede.served,
      stampedeFetches: stampede.fetches,
      zipfHitRatio: roundTo(zipf.hitRatioBeforeLoss, 4),
      zipfHitRatioAfterLoss: roundTo(zipf.hitRatioAfterLoss, 4),
      zipfOriginFetches: zipf.originFetches,
      zipfDistinctKeys: zipf.distinctKeys,
      zipfFailed: zipf.failed,
    },
    fallsShort,
  }
}

const keptOpen = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
const crowd = new Agent({ keepAlive: false, maxSockets: Infinity })

interface Answer {
  readonly status: number
  readonly body: Buffer
  readonly sizeBytes: number
}

/** Asks once more where a connection that was kept open ended before the answer began (RFC 9112, 9.3.1). */
async function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  isRead = true,
): Promise<Answer> {
  const first = await askOnce(port, path, headers, isRead)
  const answer = first === 'stale' ? await askOnce(port, path, headers, isRead) : first
  return answer === 'stale' ? NO_ANSWER : answer
}

const NO_ANSWER: Answer = { status: 0, body: Buffer.alloc(0), sizeBytes: 0 }

function askOnce(
  port: number,
  path: string,
  headers: Record<string, string>,
  isRead: boolean,
): Promise<Answer | 'stale'> {
  return new Promise((resolve) => {
    const agent = path.includes('/v720/') ? crowd : keptOpen
    const parts: Buffer[] = []
    let sizeBytes = 0
    const asking = get({ host: '127.0.0.1', port, path, headers, agent }, (answer) => {
      answer.on('data', (part: Buffer) => {
        sizeBytes += part.length
        if (isRead) parts.push(part)
      })
      answer.once('end', () => resolve({ status: answer.statusCode!, body: Buffer.concat(parts), sizeBytes }))
      answer.once('error', () => resolve(NO_ANSWER))
    })
    asking.once('error', (error: NodeJS.ErrnoException) =>
      resolve(asking.reusedSocket && error.code === 'ECONNRESET' ? 'stale' : NO_ANSWER),
    )
  })
}

async function inParallel(count: number, width: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await work(next++)
    }),
  )
}
