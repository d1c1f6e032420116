/**
 * Corrupt documents are pushed to an edge while people watch through it, one of them in a real browser: hardly anybody is
 * harmed, nothing stands still, it is taken back by itself, and the watch and the operator's page tell what happened.
 */
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { eventually } from '../../rig/eventually.ts'
import { startWatching } from '../../rig/people/watching.ts'
import { edgeDocument, type EdgeProcess } from '../../support/edge-process.ts'
import { openEdgeStage, STALL_MAX_MS, told, type EdgeStage } from '../observing/edge-stage.ts'
import { percent, secondsSince, type Report } from '../report.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const RATE_PER_S = 50
const WATCHED_S = 240
const HARMED_MAX = 0.001
/** What a bad one harms is counted over so long from its release on. */
const COUNTED_S = 600
const BACK_MS = 30_000
const TOLD_MS = 60_000
/** One in so many requests is for a segment that nobody has asked for yet. */
const NEW_EVERY = 8
const PATIENCE_MS = 60_000

export async function run(report: Report): Promise<void> {
  const video = uuidv7()
  const watchPort = await findFreePort()
  await using stage = await openEdgeStage({
    madeUp: new RegExp(`/media/${video}/`),
    product: {
      args: ['--watch-port', String(watchPort)],
      env: { WATCH_PROGRAM: join(REPOSITORY, 'watch', 'main.ts') },
    },
  })
  const edge = stage.edges[0]!
  const players = await gatherPlayers(edge, video)
  const document = edgeDocument({ name: 'edge-0', origins: [{ name: 'home', url: stage.originUrl }] })
  const text = JSON.stringify({ ...document, generation: 2 })
  const away = [{ name: 'home', url: 'http://127.0.0.1:9' }]
  const bad = [
    ['cut off', text.slice(0, text.length >> 1)],
    ['of which every origin is wrong', JSON.stringify({ ...document, generation: 2, origins: away })],
    // All that is kept is served; what people ask anew is too large for it.
    [
      'harmful only to what people ask anew',
      JSON.stringify({
        ...document,
        generation: 3,
        limits: { ...document.limits, segmentMaxBytes: 1_024 },
      }),
    ],
  ] as const
  for (const [what, pushed] of bad) await push(report, edge, what, pushed)
  const harmed = players.outcomes.filter(({ isServed }) => !isServed).length
  const share = harmed / (RATE_PER_S * COUNTED_S)
  report.promise(
    `all of them harm at most ${percent(HARMED_MAX)} of what is asked in ${COUNTED_S / 60} minutes`,
    players.outcomes.length > RATE_PER_S && share <= HARMED_MAX,
    `${harmed} requests, ${(share * 100).toFixed(3)} %`,
  )
  const { longestMs, playedS } = await stage.seen()
  report.promise(
    `in the browser nothing stands still for ${STALL_MAX_MS / 1_000} s`,
    longestMs <= STALL_MAX_MS && playedS > 5,
    `${Math.round(longestMs)} ms at the longest, ${Math.round(playedS)} s played, ${told(stage.from)}`,
  )
  await watchTells(report, stage, `http://127.0.0.1:${watchPort}`)
  await operatorSees(report, stage)
  players.stop()
}

async function gatherPlayers(edge: EdgeProcess, video: string) {
  const kept = Array.from({ length: 5 }, (_, n) => ({ path: `/media/${video}/g1/v540/${n}.m4s` }))
  const usual = [...kept, { path: '/api/v1/instance' }]
  for (const { path } of usual) await (await fetch(edge.url + path)).arrayBuffer()
  const asked = Array.from({ length: RATE_PER_S * WATCHED_S }, (_, n) =>
    n % NEW_EVERY === 0 ? { path: `/media/${video}/g1/v720/${n}.m4s` } : usual[n % usual.length]!,
  )
  return startWatching({ port: edge.port, ratePerS: RATE_PER_S, seconds: WATCHED_S, asked })
}

async function push(report: Report, edge: EdgeProcess, what: string, text: string): Promise<void> {
  const before = await edge.status()
  const beganMs = performance.now()
  await edge.release(text)
  const isBack = await eventually(BACK_MS, async () => {
    const now = await edge.status()
    return now.quarantined.length > before.quarantined.length && now.documentHash === before.documentHash
  })
  report.promise(
    `${what}: it is refused or taken back by itself, and may not come again`,
    isBack === true,
    isBack
      ? `${secondsSince(beganMs)}: ${(await edge.status()).quarantined[0]!.reason.slice(0, 80)}`
      : 'it was not',
  )
}

async function watchTells(report: Report, { product }: EdgeStage, watchUrl: string): Promise<void> {
  const beganMs = performance.now()
  const state = await eventually(TOLD_MS, async () => {
    const { takenBack } = (await (await fetch(`${product.url}/api/v1/state`)).json()) as {
      takenBack: { what: string } | null
    }
    return takenBack?.what === 'edge edge-0'
  })
  report.promise('the instance tells everybody what was taken back', state === true, secondsSince(beganMs))
  const page = await eventually(TOLD_MS, async () =>
    (await (await fetch(`${watchUrl}/s/upbeat`)).text()).includes(
      'A new document (edge edge-0) was taken back by itself',
    ),
  )
  report.promise('the watch’s page tells it', page === true, secondsSince(beganMs))
}

async function operatorSees(report: Report, { product, browser }: EdgeStage): Promise<void> {
  const operatorToken = new URL(await product.operatorPath(), product.url).searchParams.get('token')
  const signedUp = await fetch(`${product.url}/api/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ handle: 'olive', password: 'a password of olive', operatorToken }),
  })
  const [name, value] = signedUp.headers.getSetCookie()[0]!.split(';')[0]!.split(/=(.*)/s) as [string, string]
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  await context.addCookies([{ name, value, url: product.url }])
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  await page.goto(`${product.url}/operate`)
  const card = page.getByText(/It took document [0-9a-f]{12} back by itself/)
  const isShown = await card.waitFor().then(
    () => true,
    () => false,
  )
  report.promise(
    'the operator’s page shows it',
    isShown,
    isShown ? ((await card.textContent()) ?? '').slice(0, 120) : '',
  )
}
