/**
 * `bench telling`: how long until 10,000 subscribers have heard of an outage, by mail and webhook, from the start of the watch
 * that finds it in its file, beside a plain loop that sends one message after the other and keeps nothing.
 *
 * Everything goes over real SMTP and HTTP on this machine. A hundred of the webhooks lie on hosts that never answer; they may
 * keep nobody else waiting, and are not waited for. One host has 400 webhooks, of which it gets fifty a second.
 */
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildProcess } from 'node:child_process'
import { createLog } from '../kit/log.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import { writeIncident, writeUpdate, type IncidentRecord } from '../watch/incidents/index.ts'
import { openStore, type Statement } from '../watch/store/index.ts'
import { endChild, MEASURED_CORE, nextMessage, OTHER_CORE, startNode } from '../tests/rig/children.ts'
import { readUse } from './machine/process-use.ts'
import { roundTo } from '../tests/rig/quantile.ts'
import { startRunningWatch } from './machine/running-watch.ts'
import type { BenchResult } from './support.ts'
import type { LoopDone, LoopTask } from './telling/loop-process.ts'
import type { Received, ReceiversReady } from './telling/receivers-process.ts'

/** What a run has to reach. */
const TOLD_WITHIN_S = 60

const MAILS = 8_000
const HOSTS = 150
const HOOKS_A_HOST = 10
/** At the first of the hosts, besides its ten. */
const HOOKS_AT_ONE = 400
const SILENT_HOSTS = 10
const HOOKS_A_SILENT_HOST = 10
const HONEST = MAILS + HOSTS * HOOKS_A_HOST + HOOKS_AT_ONE
const ALL = HONEST + SILENT_HOSTS * HOOKS_A_SILENT_HOST
const GIVE_UP_MS = 300_000
const LOOK_EVERY_MS = 100
/** The loop sends so many of each kind, and its time is taken as many times longer. */
const LOOP_SHARE = 0.1

const SERVICE = {
  id: 'shop',
  name: 'Shop',
  url: 'https://shop.example',
  features: [{ id: 'checkout', name: 'Checkout' }],
}
const WORDS = 'Checkout does not work since 14:05 UTC. Shown by our own checks. The cause is not known yet.'

export async function run(): Promise<BenchResult> {
  await using dir = await makeTemporaryDir()
  const receivers = startNode(join(import.meta.dirname, 'telling', 'receivers-process.ts'), OTHER_CORE, {}, [
    String(HOSTS),
    String(SILENT_HOSTS),
  ])
  try {
    const ready = await nextMessage<ReceiversReady>(receivers)
    await fillStore(join(dir.path, 'data', 'watch.sqlite'), ready)
    const told = await tell(dir.path, receivers, ready)
    const loopS = await measureLoop(ready)
    return report(told, loopS)
  } finally {
    await endChild(receivers)
  }
}

/** The subscribers, and an outage that was confirmed just now. */
async function fillStore(path: string, ready: ReceiversReady): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await using store = await openStore({ path, log: createLog({ level: 'error', base: {} }) })
  const statements = [
    ...Array.from({ length: MAILS }, (_, i) => subscriber('email', `p${i}@example.org`)),
    ...hookUrls(ready).map((url) => subscriber('webhook', url)),
    ...ready.silentPorts.flatMap((port) =>
      Array.from({ length: HOOKS_A_SILENT_HOST }, (_, i) => subscriber('webhook', urlOf(port, i))),
    ),
  ]
  await store.write(statements)
  const nowMs = Date.now()
  await store.write([
    writeIncident(outageAt(nowMs), null),
    writeUpdate('benchoutage1', {
      id: 'benchupdate1',
      state: 'confirmed',
      body: WORDS,
      atMs: nowMs,
      author: 'operator:bench',
      affected: [],
    }),
  ])
}

const urlOf = (port: number, i: number): string => `http://127.0.0.1:${port}/hook/${i}`

const hookUrls = ({ hookPorts }: ReceiversReady): string[] =>
  hookPorts.flatMap((port, host) =>
    Array.from({ length: HOOKS_A_HOST + (host === 0 ? HOOKS_AT_ONE : 0) }, (_, i) => urlOf(port, i)),
  )

let lastId = 0
const subscriber = (channel: 'email' | 'webhook', address: string): Statement => ({
  sql: `insert into subscription (id, service_id, channel, address, features, regions, rhythm, secret, created_at_ms, confirmed_at_ms)
    values (:id, 'shop', :channel, :address, '[]', '[]', :rhythm, 'secret', 0, 0)`,
  params: {
    // Scattered, as ids are: mails and webhooks, busy and silent hosts in any order.
    id: `${((lastId * 7_919) % 100_003).toString(36).padStart(4, '0')}${(lastId++).toString(36).padStart(8, '0')}`,
    channel,
    address,
    rhythm: JSON.stringify({ digestAt: null, quiet: null, timeZone: 'Etc/UTC' }),
  },
})

const outageAt = (atMs: number): IncidentRecord => ({
  id: 'benchoutage1',
  serviceId: 'shop',
  outageId: null,
  state: 'confirmed',
  pinnedState: 'confirmed',
  operatorCause: null,
  startedAtMs: atMs,
  confirmedAtMs: atMs,
  resolvedAtMs: null,
  updatedAtMs: atMs,
  mergedInto: null,
  facts: {
    title: 'Checkout does not work',
    isTitleByOperator: true,
    impact: 'major',
    causes: [],
    confidence: 1,
    contributions: {},
    featureIds: ['checkout'],
    regions: [],
    detectedAtMs: atMs,
    identifiedAtMs: null,
    recoveringAtMs: null,
    relapses: 0,
    recovered: { cells: 0, of: 0 },
    forecast: null,
    officialLagMs: null,
  },
})

interface Told {
  readonly received: Received
  readonly durationS: number
  readonly cpuMs: number
}

async function tell(dir: string, receivers: ChildProcess, ready: ReceiversReady): Promise<Told> {
  const startedAtMs = Date.now()
  await using watch = await startRunningWatch(dir, [SERVICE], {
    WATCH_SMTP_URL: `smtp://127.0.0.1:${ready.smtpPort}`,
    WATCH_MAIL_FROM: 'watch@watch.example',
    WATCH_PUBLIC_URL: 'https://watch.example',
    WATCH_ALLOW_PRIVATE_HOOKS: 'yes',
  })
  for (;;) {
    receivers.send('how many?')
    const received = await nextMessage<Received>(receivers)
    const isDone = received.mails + received.hooks >= HONEST
    if (isDone || Date.now() - startedAtMs > GIVE_UP_MS) {
      const { cpuS } = await readUse([watch.pid])
      const durationS = ((received.lastAtMs ?? Date.now()) - startedAtMs) / 1000
      return { received, durationS: isDone ? durationS : Number.POSITIVE_INFINITY, cpuMs: cpuS * 1000 }
    }
    await sleep(LOOK_EVERY_MS)
  }
}

/** Seconds that the loop would take for those who answer. */
async function measureLoop(ready: ReceiversReady): Promise<number> {
  const loop = startNode(join(import.meta.dirname, 'telling', 'loop-process.ts'), MEASURED_CORE, {})
  await nextMessage(loop)
  const urls = hookUrls(ready)
  const task: LoopTask = {
    smtpPort: ready.smtpPort,
    mails: MAILS * LOOP_SHARE,
    hookUrls: urls.slice(0, urls.length * LOOP_SHARE),
    text: WORDS,
  }
  loop.send(task)
  const { durationMs } = await nextMessage<LoopDone>(loop)
  await endChild(loop)
  return durationMs / 1000 / LOOP_SHARE
}

function report({ received, durationS, cpuMs }: Told, loopS: number): BenchResult {
  const count = received.mails + received.hooks
  const missing = HONEST - count
  return {
    name: 'telling',
    rows: [
      {
        what: `${HONEST.toLocaleString('en')} of ${ALL.toLocaleString('en')} subscribers told (the others never answer)`,
        ours: durationS,
        rival: loopS,
        unit: 's',
        target: `< ${TOLD_WITHIN_S} s`,
      },
      { what: 'mails a second', ours: received.mails / durationS, rival: null, unit: '', target: null },
      { what: 'processor time a message', ours: cpuMs / count, rival: null, unit: 'ms', target: null },
    ],
    figures: {
      toldS: roundTo(durationS, 2),
      loopS: roundTo(loopS, 2),
      mails: received.mails,
      hooks: received.hooks,
      cpuMsPerMessage: roundTo(cpuMs / count, 3),
    },
    fallsShort: [
      ...(missing > 0
        ? [`${missing} subscribers who answer were not told within ${GIVE_UP_MS / 1000} s.`]
        : []),
      ...(missing === 0 && durationS >= TOLD_WITHIN_S
        ? [`Telling took ${durationS.toFixed(1)} s, not less than ${TOLD_WITHIN_S} s.`]
        : []),
    ],
  }
}
