/**
 * Five thousand sources ask for what costs most, while people who are signed in watch and scroll; then, of as many as may be
 * turned away by a third of a core, while somebody in a real browser signs in, scrolls, likes and uploads: fault 19.
 */
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProofChallenge } from '../../../contract/proofs.ts'
import { askDesk } from '../../../platform/supervisor/control.ts'
import { eventually } from '../../rig/eventually.ts'
import { flood } from '../../rig/load/flood.ts'
import { browseOnce, startBrowsing, tellBrowsing } from '../../rig/people/visiting.ts'
import { shareServed, startWatching, type Asked, type Outcome } from '../../rig/people/watching.ts'
import { quantileOf } from '../../rig/quantile.ts'
import { makeClip } from '../../support/clips.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { allowedMs, percent, type Report } from '../report.ts'

const SOURCES = 5_000
/** More than strangers' feeds can be made for on two cores beside the generator; `bench flood` says what each refusal costs. */
const RATE_PER_S = 1_800
/** Until pressure is felt, then what is counted. */
const FIRST_S = 12
const FLOOD_S = 25
/** Some go on whatever they are told. */
const STUBBORN = { sources: 10, ratePerS: 100 }
const PAGE = '/v/none'
const QUIET_S = 8
/** The first seconds: pressure has to be felt before anybody is asked for anything. */
const SETTLE_MS = 3_000
const PEOPLE_PER_S = 30
const SLOWER_MAX = 1.2
/** What generator and product on two cores do to each other without any fault. */
const NOISE_MS = 50
const SERVED_MIN = 0.99
/** Turning these away takes less than 30 % of a core; Chromium and the encoder take all the rest of two. */
const BESIDE_BROWSER_PER_S = 400
/** No proof is asked for any more, some time after a flood. */
const CALM_MS = 90_000
/** On a new device, then on a known one. */
const ROUNDS_MIN = 2

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  // The people of this drill come from 127.0.0.1, and shall count as anybody.
  await using product = await startProduct({
    dataDir: dir.path,
    env: { UPLOAD_RESERVE_BYTES: '0', LIMIT_EXEMPT: '127.0.0.9' },
  })
  const audience = await gather(product, { people: 6, videos: 2 })
  const port = Number(new URL(product.url).port)
  const people = startWatching({
    port,
    ratePerS: PEOPLE_PER_S,
    seconds: QUIET_S + FIRST_S + FLOOD_S + 30,
    asked: asKnown(audience),
  })
  const quietFromMs = Date.now() + 1_000
  await sleep(QUIET_S * 1_000)
  const beganMs = Date.now()
  const paths = ['/api/v1/feed/for-you?limit=20', '/api/v1/search?q=everyone&type=videos', PAGE]
  const stubborn = flood({ port, ...STUBBORN, seconds: FIRST_S + FLOOD_S, paths: paths.slice(0, 1) })
  await flood({ port, ratePerS: RATE_PER_S, seconds: FIRST_S, sources: SOURCES, paths })
  const flooding = flood({ port, ratePerS: RATE_PER_S, seconds: FLOOD_S, sources: SOURCES, paths })
  await sleep(15_000)
  const stranger = await proveFrom(port, '127.0.0.77')
  const { abuse } = await askDesk(dir.path, { command: 'state' })
  const done = await flooding
  const goneOn = await stubborn
  const endedMs = Date.now()
  people.stop()

  const told = Object.entries(done.answered).map(([status, count]) => `${status}: ${count}`)
  const floodFacts = `${done.sent} requests from ${SOURCES} sources, ${RATE_PER_S}/s meant, ${done.leftOut} left out; ${told.join(', ')}, cut ${done.cut}, unanswered ${done.timedOut}; the generator late by ${done.worstLagMs} ms at most`
  const duringFromMs = beganMs + SETTLE_MS
  const served = shareServed(people.outcomes, duringFromMs, endedMs)
  report.promise(
    'what known people watch and scroll through is served to 99 %',
    served !== null && served >= SERVED_MIN,
    `${served === null ? 'nobody asked' : percent(served)}; ${floodFacts}`,
  )
  const quietMs = p99Of(people.outcomes, quietFromMs, beganMs)
  const duringMs = p99Of(people.outcomes, duringFromMs, endedMs)
  const limitMs = Math.max(quietMs * SLOWER_MAX, quietMs + NOISE_MS)
  report.promise(
    `99 % of it comes within 20 % of the time that it took before (${NOISE_MS} ms at least)`,
    duringMs <= limitMs,
    `p99 ${quietMs.toFixed(0)} → ${duringMs.toFixed(0)} ms, allowed ${limitMs.toFixed(0)} ms`,
  )
  // The app's page is the same for everybody and given to them; what is looked up for somebody is not.
  const looked = Object.entries(done.served).reduce(
    (sum, [path, count]) => sum + (path === PAGE ? 0 : count),
    0,
  )
  report.promise(
    'of the flood, for less than a tenth anything is looked up',
    looked < done.sent / 10,
    `${looked} of ${done.sent}, and the page ${done.served[PAGE] ?? 0} times`,
  )
  report.promise(
    'a stranger who comes meanwhile is asked for a proof, gives it, and is served',
    stranger.isAsked && stranger.isServed,
    `asked: ${stranger.isAsked}, served: ${stranger.isServed} (${stranger.status}), ${stranger.tookMs.toFixed(0)} ms with the proof`,
  )
  report.promise(
    'who goes on is kept out before a byte is read, and the operator sees it',
    (abuse?.penalties.length ?? 0) > 0 && (abuse?.worst.length ?? 0) > 0,
    abuse === null
      ? 'nothing is told'
      : `${abuse.penalties.length} told, ${goneOn.cut} of ${goneOn.sent} connections of theirs cut off, proof wanted since ${abuse.proofWantedSince}`,
  )
  // Programs, which sign somebody up here, would have to prove work too.
  await eventually(allowedMs(CALM_MS), async () => {
    const { abuse: now } = await askDesk(dir.path, { command: 'state' })
    return now !== null && now.proofWantedSince === null
  })
  await browseBeside(report, product)
}

async function browseBeside(report: Report, { url }: Product): Promise<void> {
  const clip = await makeClip('h264')
  const calm = await browseOnce(url, clip)
  await using browsing = await startBrowsing(url, clip)
  const port = Number(new URL(url).port)
  const done = await flood({
    ...{ port, ratePerS: BESIDE_BROWSER_PER_S, seconds: FLOOD_S, sources: SOURCES },
    paths: ['/api/v1/feed/for-you?limit=20'],
  })
  // A round that is under way may end in peace, and does not count.
  const wholeRounds = browsing.rounds.length
  await browsing.stop()
  report.promise(
    `beside ${BESIDE_BROWSER_PER_S} a second, somebody in Chromium signs in on a new device, scrolls, likes and uploads undisturbed`,
    wholeRounds >= ROUNDS_MIN && browsing.disturbances.length === 0,
    `${done.sent} sent; before: ${tellBrowsing(calm)}; meanwhile ${wholeRounds} whole rounds: ${tellBrowsing(browsing)}`,
  )
}

/** What they ask for, with the cookies of a browser that is signed in. */
function asKnown({ feeds, media }: Audience): Asked[] {
  const known = media.map((asked, at) => ({ ...asked, headers: feeds[at % feeds.length]!.headers! }))
  return [...feeds, ...known]
}

function p99Of(outcomes: readonly Outcome[], fromMs: number, toMs: number): number {
  const due = outcomes.filter(({ dueAtMs }) => dueAtMs >= fromMs && dueAtMs < toMs)
  return quantileOf(
    due.map(({ tookMs, lateMs }) => tookMs - lateMs),
    0.99,
  )
}

interface Stranger {
  readonly isAsked: boolean
  readonly isServed: boolean
  readonly status: number
  readonly tookMs: number
}

/** As the web app does. */
async function proveFrom(port: number, localAddress: string): Promise<Stranger> {
  const ask = (method: string, path: string, cookie = '', body?: string) =>
    new Promise<{ status: number; text: string; cookie: string }>((resolve) => {
      const headers = {
        ...(cookie && { cookie }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      }
      request({ host: '127.0.0.1', port, method, path, localAddress, headers }, (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => (text += part))
        response.once('end', () =>
          resolve({
            status: response.statusCode!,
            text,
            cookie: response.headers['set-cookie']?.[0]?.split(';')[0] ?? '',
          }),
        )
      })
        .once('error', () => resolve({ status: 0, text: '', cookie: '' }))
        .end(body)
    })
  const startedMs = performance.now()
  const feed = '/api/v1/feed/for-you?limit=5'
  const first = await ask('GET', feed)
  const isAsked = first.text.includes('proof-wanted')
  const challenge = JSON.parse((await ask('GET', '/api/v1/proof')).text || '{}') as ProofChallenge
  const { algorithm, challenge: wanted, salt, signature } = challenge
  const hash = (number: number) => createHash('sha256').update(`${salt}${number}`).digest('hex')
  let number = 0
  while (number <= challenge.maxNumber && hash(number) !== wanted) number++
  const solution = btoa(JSON.stringify({ algorithm, challenge: wanted, number, salt, signature }))
  const { cookie } = await ask('POST', '/api/v1/proof', '', JSON.stringify({ solution }))
  let status = 0
  // Proven, it is a stranger still, and comes after known people where not all can be served.
  for (let tries = 0; tries < 5 && status !== 200; tries++) {
    if (tries > 0) await sleep(1_000)
    status = (await ask('GET', feed, cookie)).status
  }
  return { isAsked, isServed: status === 200, status, tookMs: performance.now() - startedMs }
}
