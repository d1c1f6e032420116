/** An edge's document comes damaged or poisonous while people watch, and its control plane dies: what was good serves on. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import type { EdgeDocument } from '../../../contract/edge.ts'
import { eventually } from '../../rig/eventually.ts'
import { startWatching } from '../../rig/people/watching.ts'
import { edgeDocument, startEdge, type EdgeProcess } from '../../support/edge-process.ts'
import { openFaultyOrigin } from '../../support/faulty-origin.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { percent, secondsSince, type Report } from '../report.ts'

const RATE_PER_S = 50
const WATCHED_S = 400
const HARMED_MAX = 0.001
/** What a bad one harms is counted over so long from its release on. */
const COUNTED_S = 600
const EACH_MS = 45_000
const JUDGED_MS = 90_000
/** One in so many requests is for a segment that nobody has asked for yet. */
const NEW_EVERY = 8

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using origin = await openFaultyOrigin()
  const good = edgeDocument({ origins: [{ name: 'home', url: origin.url }] })
  await using edge = await startEdge({ dir: dir.path, document: good })
  const video = uuidv7()
  const kept = Array.from({ length: 5 }, (_, n) => ({ path: `/media/${video}/g1/v540/${n}.m4s` }))
  for (const { path } of kept) await fetch(edge.url + path)
  const usual = [...kept, { path: '/api/v1/instance' }, { path: '/api/v1/me' }]
  const asked = Array.from({ length: RATE_PER_S * WATCHED_S }, (_, n) =>
    n % NEW_EVERY === 0 ? { path: `/media/${video}/g1/v720/${n}.m4s` } : usual[n % usual.length]!,
  )
  const players = startWatching({ port: edge.port, ratePerS: RATE_PER_S, seconds: WATCHED_S, asked })

  for (const [what, text] of badTexts(good)) await releaseBad(report, { edge, what, text })
  const harmedBefore = players.outcomes.filter(({ isServed }) => !isServed).length
  await releaseHarmful(report, edge, good)
  const harmed = players.outcomes.filter(({ isServed }) => !isServed).length
  judgeHarm(report, { harmedBefore, harmed, asked: players.outcomes.length })
  const before = (await edge.status()).generation
  await edge.release(JSON.stringify({ ...good, generation: before + 10 }))
  const taken = await eventually(EACH_MS * 2, async () => (await edge.status()).generation === before + 10)
  report.promise('a good one is taken after all of these', taken === true)
  const isJudged = await eventually(JUDGED_MS, async () => {
    const { documentHash, lastGoodHash } = await edge.status()
    return documentHash === lastGoodHash
  })
  report.promise('and is the last good one once it has been judged', isJudged === true)
  await controlPlaneDies(report, edge, join(dir.path, 'document.json'))

  players.stop()
  const late = players.outcomes.filter(({ isServed }) => !isServed).length - harmed
  report.promise('the good one, a dead agent and a new start harm no request', late === 0, `${late} harmed`)
}

/** What was refused before people met it harms nobody; what only they could meet, few. */
function judgeHarm(
  report: Report,
  {
    harmedBefore,
    harmed,
    asked,
  }: { readonly harmedBefore: number; readonly harmed: number; readonly asked: number },
): void {
  report.promise(
    'those that were refused have harmed no request',
    asked > 500 && harmedBefore === 0,
    `${harmedBefore} of ${asked}`,
  )
  const share = (harmed - harmedBefore) / (RATE_PER_S * COUNTED_S)
  report.promise(
    `the one that was taken back has harmed at most ${percent(HARMED_MAX)} of what is asked in ${COUNTED_S / 60} minutes`,
    share <= HARMED_MAX,
    `${harmed - harmedBefore} requests, ${(share * 100).toFixed(3)} %`,
  )
}

/** It serves all that is kept, in the mirror and on its shadow port; what nobody has asked for yet it would never keep. */
async function releaseHarmful(report: Report, edge: EdgeProcess, good: EdgeDocument): Promise<void> {
  const before = await edge.status()
  const beganMs = performance.now()
  const limits = { ...good.limits, segmentMaxBytes: 1_024 }
  await edge.release(JSON.stringify({ ...good, generation: 3, limits }))
  const isBack = await eventually(JUDGED_MS, async () => {
    const now = await edge.status()
    return now.quarantined.length > before.quarantined.length && now.documentHash === before.documentHash
  })
  const { quarantined } = await edge.status()
  report.promise(
    'harmful only to what people ask anew: it is taken back by itself, and its input is quarantined',
    isBack === true && quarantined[0]!.wasInForce,
    isBack ? `${secondsSince(beganMs)}: ${quarantined[0]!.reason}` : 'it was not taken back',
  )
}

function badTexts(good: EdgeDocument): [what: string, text: string][] {
  const next = { ...good, generation: 2 }
  const text = JSON.stringify(next)
  return [
    ['truncated', text.slice(0, text.length >> 1)],
    ['empty', ''],
    ['doubled', text + text],
    ['full of NaN', text.replace(/"fetchTimeoutMs":\d+/, '"fetchTimeoutMs":NaN')],
    [
      'too large',
      JSON.stringify({ ...next, hosts: Array.from({ length: 20_000 }, (_, n) => `host-${n}.example.org`) }),
    ],
    // Every field fits, and everything that needs the origin would fail.
    [
      'valid but poisonous',
      JSON.stringify({ ...next, origins: [{ name: 'home', url: 'http://127.0.0.1:9' }] }),
    ],
  ]
}

async function releaseBad(
  report: Report,
  { edge, what, text }: { readonly edge: EdgeProcess; readonly what: string; readonly text: string },
): Promise<void> {
  const before = await edge.status()
  const beganMs = performance.now()
  await edge.release(text)
  const refused = await eventually(
    EACH_MS,
    async () => (await edge.status()).quarantined.length > before.quarantined.length,
  )
  const after = await edge.status()
  report.promise(
    `${what}: it is refused, its input is quarantined, and the last good one is in force`,
    refused === true && after.documentHash === before.documentHash,
    refused
      ? `${secondsSince(beganMs)}: ${after.quarantined[0]!.reason.slice(0, 80).replaceAll('\n', ' ')}`
      : 'it was not refused',
  )
}

async function controlPlaneDies(report: Report, edge: EdgeProcess, documentPath: string): Promise<void> {
  const before = (await edge.status()).documentHash
  await edge.killAgent()
  const path = '/-/edge'
  const alone = (await (await fetch(edge.url + path)).json()) as { agent?: string }
  report.promise('with its agent dead the edge serves on, and says so', alone.agent === 'away')
  await sleep(2_000)
  await rm(documentPath)
  const beganMs = performance.now()
  await edge.startAgain()
  const after = (await edge.status()).documentHash
  report.promise(
    'a start without its document reinstates the last good one from disk',
    after === before,
    secondsSince(beganMs),
  )
}
