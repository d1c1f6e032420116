/**
 * `bench upload [--quick] [SOURCE…]`: from the last byte of an upload to *playable* and to *complete*, and what it costs.
 *
 * Five films, each over a line of 20 Mb/s (by the fault proxy) and over loopback, beside ffmpeg alone on the finished
 * file: (a) the same ladder by one command from one decode, and (b) the largest rung first, each rung from the one before,
 * which is PeerTube's order. The last byte's time is when it left the line; a milestone's is when a page that
 * listens for updates heard of it. Processor time is user + system of the supervisor, PostgreSQL and all their descendants, ended ones
 * included, from before the first request to `complete` (/proc/PID/stat); ffmpeg's own is what it says of itself.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadavg } from 'node:os'
import { startFaultProxy, type FaultProxy } from '../tests/support/fault-proxy.ts'
import { startProduct, type Product } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import { signUp, uploadFilm, type Person } from '../tests/support/browser-upload.ts'
import { listenToReceipts } from './upload/milestones.ts'
import { checkPlayback } from './upload/playback-check.ts'
import { readProcessorTimeS } from './machine/processor-time.ts'
import { medianOf, roundTo } from '../tests/rig/quantile.ts'
import { measureRivals, type Effort, type Rivals } from './upload/rivals.ts'
import { makeSource, SOURCE_NAMES, type Source, type SourceName } from './upload/sources.ts'
import type { BenchResult, BenchRow } from './support.ts'

/** What a run has to reach. */
const COPIED_PLAYABLE_MAX_S = 1
const playableMaxS = (durationS: number) => Math.max(1.5, 0.25 * durationS)
const COMPLETE_RATIO_MAX = 1.15
const PROCESSOR_RATIO_MAX = 1.1

const UPLINK_BPS = 20_000_000
/** One way: 40 ms there and back, as a home's line. */
const LATENCY_MS = 20
const QUICK: readonly SourceName[] = ['h264-2s', 'hevc-15s']
/** Each figure is the median of this many runs; one for a film of a minute. */
const ROUNDS = 3
const SETTLE_MS = 1_500
const WARM_UP_SOURCE: SourceName = 'h264-2s'

const LINKS = ['uplink', 'loopback'] as const
type Link = (typeof LINKS)[number]
const LINK_WORDS: Record<Link, string> = { uplink: '20 Mb/s', loopback: 'loopback' }

interface Measured {
  readonly uploadS: number
  readonly playableS: number
  readonly completeS: number
  readonly processorS: number
}

interface SourceResult {
  readonly source: Source
  readonly rivals: Rivals
  readonly links: Record<Link, Measured>
}

export async function run(): Promise<BenchResult> {
  const say = (line: string) => console.error(line)
  const isQuick = process.argv.includes('--quick')
  const chosen = SOURCE_NAMES.filter((name) => process.argv.includes(name))
  const loadBefore = loadavg()[0]!
  const results: SourceResult[] = []
  for (const name of chosen.length > 0 ? chosen : isQuick ? QUICK : SOURCE_NAMES) {
    const source = await makeSource(name, say)
    results.push(await measureSource(source, isQuick || source.durationS > 30 ? 1 : ROUNDS, say))
  }
  return report(results, loadBefore)
}

/** Ours and the rivals in turn, so that what else the machine does falls on both. */
async function measureSource(
  source: Source,
  rounds: number,
  say: (line: string) => void,
): Promise<SourceResult> {
  const rivals: Rivals[] = []
  const ours: Record<Link, Measured[]> = { uplink: [], loopback: [] }
  for (let round = 1; round <= rounds; round++) {
    const rival = await measureRivals(source)
    rivals.push(rival)
    say(
      `${source.what} (${round}/${rounds}): one decode ${seconds(rival.oneDecode.wallS)}, ` +
        `rung by rung ${seconds(rival.rungByRung.firstRungS)} and ${seconds(rival.rungByRung.wallS)}`,
    )
    // A product of its own for each round: nothing is left from the round before.
    await using dir = await makeTemporaryDir()
    await using product = await startProduct({ dataDir: dir.path, env: { LOG_LEVEL: 'warn' } })
    await product.settled()
    const person = await signUp(product.url)
    await warmUp(product, person, say)
    for (const link of LINKS) {
      const measured = await measureUpload(product, person, { source, link, rungs: rival.plan.rungs.length })
      ours[link].push(measured)
      say(
        `  ${LINK_WORDS[link]}: sent in ${seconds(measured.uploadS)}, playable ${seconds(measured.playableS)}, ` +
          `complete ${seconds(measured.completeS)}, processor ${seconds(measured.processorS)}`,
      )
    }
  }
  return {
    source,
    rivals: middleOfRivals(rivals),
    links: { uplink: middleOf(ours.uplink), loopback: middleOf(ours.loopback) },
  }
}

/** A server in use is warm, as the rivals' files are in memory: the first upload after a start pays for compiling code. */
async function warmUp(product: Product, person: Person, say: (line: string) => void): Promise<void> {
  const source = await makeSource(WARM_UP_SOURCE, say)
  using receipts = await listenToReceipts(product.url, person)
  const { id } = await uploadFilm(product.url, person, source)
  await receipts.untilComplete(id)
  await sleep(SETTLE_MS)
}

async function measureUpload(
  product: Product,
  person: Person,
  { source, link, rungs }: { source: Source; link: Link; rungs: number },
): Promise<Measured> {
  const direct = `http://127.0.0.1:${new URL(product.url).port}`
  const roots = [await product.pidOf('supervisor'), await product.pidOf('postgres')]
  await using proxy =
    link === 'uplink'
      ? await startFaultProxy({
          targetPort: Number(new URL(product.url).port),
          up: { bitrateBps: UPLINK_BPS, latencyMs: LATENCY_MS },
          down: { latencyMs: LATENCY_MS },
        })
      : null
  using receipts = await listenToReceipts(direct, person)
  const processorBeforeS = await readProcessorTimeS(roots)
  const startedAtMs = performance.now()
  let sentAtMs = 0
  using arrivals = proxy ? watchArrivals(proxy) : null
  const receipt = await uploadFilm(
    proxy ? `http://127.0.0.1:${proxy.port}` : direct,
    person,
    source,
    () => (sentAtMs = performance.now()),
  )
  const lastByteAtMs = arrivals?.lastAtMs() ?? sentAtMs
  const done = await receipts.untilComplete(receipt.id)
  const processorS = (await readProcessorTimeS(roots)) - processorBeforeS
  await checkPlayback(direct, person, receipt.videoId, { renditions: rungs, durationS: source.durationS })
  await sleep(SETTLE_MS)
  return {
    uploadS: (lastByteAtMs - startedAtMs) / 1000,
    playableS: Math.max(0, done.playableAtMs - lastByteAtMs) / 1000,
    completeS: (done.completeAtMs - lastByteAtMs) / 1000,
    processorS,
  }
}

/** When the line last delivered a byte to the product. The sender's own socket knows only when its buffers took it. */
function watchArrivals(proxy: FaultProxy): Disposable & { lastAtMs(): number } {
  let seenBytes = 0
  let lastAtMs = performance.now()
  const timer = setInterval(() => {
    const { upBytes } = proxy.transferred
    if (upBytes === seenBytes) return
    seenBytes = upBytes
    lastAtMs = performance.now()
  }, 2)
  return { lastAtMs: () => lastAtMs, [Symbol.dispose]: () => clearInterval(timer) }
}

function report(results: readonly SourceResult[], loadBefore: number): BenchResult {
  const rows: BenchRow[] = []
  const figures: Record<string, number | string | null> = { loadBefore: round(loadBefore), rounds: ROUNDS }
  const fallsShort: string[] = []
  for (const result of results) {
    for (const link of LINKS) {
      const judged = judge(result, link)
      rows.push(...judged.rows)
      fallsShort.push(...judged.fallsShort)
      Object.assign(figures, judged.figures)
    }
  }
  return { name: 'upload', rows, figures, fallsShort }
}

function judge(
  { source, rivals, links }: SourceResult,
  link: Link,
): Pick<BenchResult, 'rows' | 'figures' | 'fallsShort'> {
  const ours = links[link]
  const { oneDecode, rungByRung, decode } = rivals
  const name = `${source.what}, ${LINK_WORDS[link]}`
  // The target for what has to be encoded is set for the uplink; loopback has no time to encode in.
  const maxPlayableS = source.isCopyable
    ? COPIED_PLAYABLE_MAX_S
    : link === 'uplink'
      ? playableMaxS(source.durationS)
      : null
  const maxCompleteS = COMPLETE_RATIO_MAX * oneDecode.wallS
  const maxProcessorS = PROCESSOR_RATIO_MAX * oneDecode.processorS + decode.processorS
  const row = (what: string, ours_: number, rival: number, maxS: number | null): BenchRow => ({
    what: `${name}: ${what}`,
    ours: ours_,
    rival,
    unit: 's',
    target: maxS === null ? null : `≤ ${seconds(maxS)}`,
  })
  const key = (figure: string) => `${source.name}.${link}.${figure}`
  return {
    rows: [
      row('playable (b: first rung)', ours.playableS, rungByRung.firstRungS, maxPlayableS),
      row('complete (a: one decode)', ours.completeS, oneDecode.wallS, maxCompleteS),
      row('complete (b: rung by rung)', ours.completeS, rungByRung.wallS, null),
      row('processor time (a: one decode)', ours.processorS, oneDecode.processorS, maxProcessorS),
    ],
    figures: {
      [key('uploadS')]: round(ours.uploadS),
      [key('playableS')]: round(ours.playableS),
      [key('completeS')]: round(ours.completeS),
      [key('processorS')]: round(ours.processorS),
      [key('oneDecodeS')]: round(oneDecode.wallS),
      [key('oneDecodeProcessorS')]: round(oneDecode.processorS),
      [key('decodeProcessorS')]: round(decode.processorS),
      [key('rungByRungFirstS')]: round(rungByRung.firstRungS),
      [key('rungByRungS')]: round(rungByRung.wallS),
      [key('rungByRungProcessorS')]: round(rungByRung.processorS),
      [key('playableRatio')]: round(ours.playableS / rungByRung.firstRungS),
      [key('completeRatio')]: round(ours.completeS / oneDecode.wallS),
      [key('processorRatio')]: round(ours.processorS / oneDecode.processorS),
    },
    fallsShort: [
      missed(`${name}: playable`, ours.playableS, maxPlayableS, 'after the last byte'),
      missed(`${name}: complete`, ours.completeS, maxCompleteS, 'after the last byte'),
      missed(`${name}: takes`, ours.processorS, maxProcessorS, 'of processor time'),
    ].filter((line) => line !== null),
  }
}

function missed(what: string, valueS: number, maxS: number | null, words: string): string | null {
  if (maxS === null || valueS <= maxS) return null
  return `${what} ${seconds(valueS)} ${words}; the target is ${seconds(maxS)}.`
}

function middleOf(rounds: readonly Measured[]): Measured {
  const of = (field: keyof Measured) => medianOf(rounds.map((measured) => measured[field]))
  return {
    uploadS: of('uploadS'),
    playableS: of('playableS'),
    completeS: of('completeS'),
    processorS: of('processorS'),
  }
}

function middleOfRivals(rounds: readonly Rivals[]): Rivals {
  const effort = (pick: (rivals: Rivals) => Effort): Effort => ({
    wallS: medianOf(rounds.map((rivals) => pick(rivals).wallS)),
    processorS: medianOf(rounds.map((rivals) => pick(rivals).processorS)),
  })
  return {
    plan: rounds[0]!.plan,
    oneDecode: effort((rivals) => rivals.oneDecode),
    rungByRung: {
      ...effort((rivals) => rivals.rungByRung),
      firstRungS: medianOf(rounds.map((rivals) => rivals.rungByRung.firstRungS)),
    },
    decode: effort((rivals) => rivals.decode),
  }
}

const round = (value: number): number => roundTo(value, 2)
const seconds = (value: number): string => `${value.toFixed(2)} s`
