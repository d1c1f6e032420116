/**
 * What an edge costs beside plain nginx that serves the same files from a folder, how much it takes off its origin, and
 * whether every part of a segment that it gives is right.
 *
 * Targets: of the issue on edges: at least 0.9 times plain nginx in requests a second and in bytes a CPU second; two origin
 * fetches for 2,000 misses; no wrong byte in 100,000 ranges.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { findFreePort } from '../kit/network/free-port.ts'
import { openNginx } from '../platform/edge/nginx/nginx.ts'
import { judgeConditions } from '../platform/modules/delivery/conditions.ts'
import { medianOf, roundTo } from '../tests/rig/quantile.ts'
import { edgeDocument, startEdge, type EdgeProcess } from '../tests/support/edge-process.ts'
import { openFaultyOrigin, segmentBytesOf, type FaultyOrigin } from '../tests/support/faulty-origin.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import type { BenchResult } from './support.ts'

const SEGMENT_BYTES = 256 * 1024
const FILES = 64
const ROUNDS = 5
const REQUESTS_A_ROUND = 4_000
const CONNECTIONS = 32
const RANGES = 100_000
const STAMPEDE = 2_000
const ZIPF_REQUESTS = 6_000
const ZIPF_KEYS = 600
const RATIO_MIN = 0.9
const FETCHES_MAX = 2
const TICKS_PER_S = 100

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

  const ours: Speed[] = []
  const rivals: Speed[] = []
  // Turn by turn, so that whatever else the machine does meets both.
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measure(edge.port, edgePid, paths))
    rivals.push(await measure(plain.port, plain.pid, paths))
  }
  const wrong = await compareRanges(edge.port, paths)
  const stampede = await stampedeOn(edge, origin, video)
  const zipf = await playZipf(edge, origin, video)
  return toResult({ ours, rivals, wrong, stampede, zipf })
}

interface Speed {
  readonly requestsPerS: number
  readonly cpuSPerGb: number
}

async function measure(port: number, pid: number, paths: readonly string[]): Promise<Speed> {
  const before = cpuTicksOf(pid)
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
    cpuSPerGb: (cpuTicksOf(pid) - before) / TICKS_PER_S / (bytes / 1e9),
  }
}

/** User and system time of nginx's workers, in ticks. */
function cpuTicksOf(pid: number): number {
  const children = execFileSync('cat', [`/proc/${pid}/task/${pid}/children`], { encoding: 'utf8' })
  const stats = children
    .split(' ')
    .filter(Boolean)
    .map((child) => execFileSync('cat', [`/proc/${child}/stat`], { encoding: 'utf8' }))
  return stats
    .map((stat) => stat.slice(stat.lastIndexOf(')') + 2).split(' '))
    .reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0)
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

/** @returns how many answers differ from what the delivery module's own rule says (RFC 9110, 14) */
async function compareRanges(port: number, paths: readonly string[]): Promise<number> {
  const bodies = paths.map((path) => segmentBytesOf(path, SEGMENT_BYTES))
  let seed = 42
  const random = (below: number) => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0) % below
  let wrong = 0
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
    const isRight =
      verdict.kind === 'part'
        ? status === 206 && body.equals(whole.subarray(verdict.range.start, verdict.range.end + 1))
        : verdict.kind === 'unsatisfiable' && status === 416
    if (!isRight) wrong += 1
  })
  return wrong
}

async function stampedeOn(edge: EdgeProcess, origin: FaultyOrigin, video: string) {
  const path = `/media/${video}/g1/v720/1.m4s`
  const answers = await Promise.all(Array.from({ length: STAMPEDE }, () => ask(edge.port, path, {}, false)))
  return {
    served: answers.filter(({ sizeBytes }) => sizeBytes === SEGMENT_BYTES).length,
    fetches: origin.asked.filter((each) => each.path === path).length,
  }
}

/** Zipf, exponent 1, over two edges; one of them is lost halfway, and its people come to the other, which is cold. */
async function playZipf(edge: EdgeProcess, origin: FaultyOrigin, video: string) {
  await using dir = await makeTemporaryDir()
  await using second = await startEdge({
    dir: dir.path,
    document: edgeDocument({ name: 'edge-two', origins: [{ name: 'home', url: origin.url }] }),
  })
  const weights = Array.from({ length: ZIPF_KEYS }, (_, n) => 1 / (n + 1))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  let seed = 7
  const pick = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    let left = (seed / 2 ** 32) * total
    return weights.findIndex((weight) => (left -= weight) <= 0)
  }
  const before = origin.asked.length
  const fetchesSince = (from: number) =>
    origin.asked.slice(from).filter(({ path }) => path.includes('/v360/')).length
  let half = 0
  await inParallel(ZIPF_REQUESTS, CONNECTIONS, async (n) => {
    if (n === ZIPF_REQUESTS / 2) half = origin.asked.length
    const isLost = n >= ZIPF_REQUESTS / 2
    const port = isLost || n % 2 === 0 ? edge.port : second.port
    await ask(port, `/media/${video}/g1/v360/${Math.max(0, pick())}.m4s`, {}, false)
  })
  return {
    hitRatio: 1 - fetchesSince(before) / ZIPF_REQUESTS,
    hitRatioAfterLoss: 1 - fetchesSince(half) / (ZIPF_REQUESTS / 2),
    originFetches: fetchesSince(before),
  }
}

interface Measured {
  readonly ours: readonly Speed[]
  readonly rivals: readonly Speed[]
  readonly wrong: number
  readonly stampede: { readonly served: number; readonly fetches: number }
  readonly zipf: {
    readonly hitRatio: number
    readonly hitRatioAfterLoss: number
    readonly originFetches: number
  }
}

function toResult({ ours, rivals, wrong, stampede, zipf }: Measured): BenchResult {
  const rate = medianOf(ours.map(({ requestsPerS }) => requestsPerS))
  const rivalRate = medianOf(rivals.map(({ requestsPerS }) => requestsPerS))
  const cpu = medianOf(ours.map(({ cpuSPerGb }) => cpuSPerGb))
  const rivalCpu = medianOf(rivals.map(({ cpuSPerGb }) => cpuSPerGb))
  const rateRatio = rate / rivalRate
  const cpuRatio = rivalCpu / cpu
  const target = `≥ ${RATIO_MIN} times plain nginx`
  const fallsShort = [
    ...(rateRatio < RATIO_MIN ? [`Requests a second are ${rateRatio.toFixed(2)} times plain nginx's.`] : []),
    ...(cpuRatio < RATIO_MIN ? [`Bytes a CPU second are ${cpuRatio.toFixed(2)} times plain nginx's.`] : []),
    ...(wrong > 0 ? [`${wrong} of ${RANGES} ranges were answered wrongly.`] : []),
    ...(stampede.fetches > FETCHES_MAX
      ? [`${STAMPEDE} misses made ${stampede.fetches} origin fetches.`]
      : []),
    ...(stampede.served < STAMPEDE ? [`Of ${STAMPEDE} misses ${stampede.served} were served.`] : []),
  ]
  const row = (what: string, value: number, rival: number | null, unit: string, of: string | null) => ({
    ...{ what, ours: value, rival, unit, target: of },
  })
  return {
    name: 'edge',
    rows: [
      row(`cached segments of ${SEGMENT_BYTES / 1024} KiB`, rate, rivalRate, 'requests/s', target),
      row('CPU of the workers', cpu, rivalCpu, 's/GB', `≤ 1 / ${RATIO_MIN} of plain nginx`),
      row(`wrong answers of ${RANGES} ranges`, wrong, null, '', '0'),
      row(`origin fetches for ${STAMPEDE} misses`, stampede.fetches, null, '', `≤ ${FETCHES_MAX}`),
      row('hits under Zipf, two edges, one lost', zipf.hitRatio * 100, null, '%', null),
      row('hits after the loss', zipf.hitRatioAfterLoss * 100, null, '%', null),
    ],
    figures: {
      requestsPerS: roundTo(rate, 0),
      rivalRequestsPerS: roundTo(rivalRate, 0),
      rateRatio: roundTo(rateRatio, 3),
      cpuSPerGb: roundTo(cpu, 3),
      rivalCpuSPerGb: roundTo(rivalCpu, 3),
      cpuRatio: roundTo(cpuRatio, 3),
      wrongRanges: wrong,
      stampedeServed: stampede.served,
      stampedeFetches: stampede.fetches,
      zipfHitRatio: roundTo(zipf.hitRatio, 4),
      zipfHitRatioAfterLoss: roundTo(zipf.hitRatioAfterLoss, 4),
      zipfOriginFetches: zipf.originFetches,
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

function ask(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  isRead = true,
): Promise<Answer> {
  return new Promise((resolve) => {
    const agent = path.includes('/v720/') ? crowd : keptOpen
    const parts: Buffer[] = []
    let sizeBytes = 0
    get({ host: '127.0.0.1', port, path, headers, agent }, (answer) => {
      answer.on('data', (part: Buffer) => {
        sizeBytes += part.length
        if (isRead) parts.push(part)
      })
      answer.once('end', () => resolve({ status: answer.statusCode!, body: Buffer.concat(parts), sizeBytes }))
      answer.once('error', () => resolve({ status: 0, body: Buffer.alloc(0), sizeBytes: 0 }))
    }).once('error', () => resolve({ status: 0, body: Buffer.alloc(0), sizeBytes: 0 }))
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
