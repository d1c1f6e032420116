/**
 * Every health check fails at once, while what is checked works: whoever looks was asleep, as a machine is that was
 * suspended. Nothing that works may be taken out of service for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { shareServed, startWatching } from '../../rig/people/watching.ts'
import { sendSignal } from '../../../kit/processes.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { gather, type Audience } from '../observing/audience.ts'
import { percent, type Report } from '../report.ts'
import { listRestarts, readState } from '../../rig/service.ts'

/** Longer than any check waits… */
const ASLEEP_MS = 6_000
/** …and than a role may be silent before the supervisor takes it for dead. */
const ASLEEP_LONG_MS = 20_000
const WATCHED_MS = 5_000
/** Of the faults' table: what stays in rotation. */
const SERVED_MIN = 0.9
/** Awake again, it first does what it missed. */
const WAKING_MS = 500

interface Sleeper {
  readonly what: string
  readonly forMs: number
  pids(product: Product): Promise<number[]>
}

const SLEEPERS: readonly Sleeper[] = [
  {
    what: 'the supervisor was asleep',
    forMs: ASLEEP_LONG_MS,
    pids: async (product) => [await product.pidOf('supervisor')],
  },
  {
    what: 'the api was asleep',
    forMs: ASLEEP_MS,
    pids: async (product) => [await product.pidOf('api')],
  },
  {
    what: 'everything was asleep',
    forMs: ASLEEP_MS,
    async pids(product) {
      const { pid, postgres, roles } = await product.status()
      return [pid, postgres?.pid, ...roles.map((role) => role.pid)].filter((each) => typeof each === 'number')
    },
  },
]

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: { UPLOAD_RESERVE_BYTES: '0' } })
  const audience = await gather(product, { people: 4, videos: 2 })
  await product.settled()
  for (const sleeper of SLEEPERS) await sleepAndWake(report, { product, audience, sleeper })
}

async function sleepAndWake(
  report: Report,
  scene: { readonly product: Product; readonly audience: Audience; readonly sleeper: Sleeper },
): Promise<void> {
  const { product, audience, sleeper } = scene
  const before = await listRestarts(product)
  const pids = await sleeper.pids(product)
  await suspend(pids, sleeper.forMs)
  await sleep(WAKING_MS)

  const port = Number(new URL(product.url).port)
  const asked = [...audience.media, ...audience.feeds]
  const players = startWatching({ port, ratePerS: 30, seconds: 60, asked })
  const beganMs = Date.now()
  const fallen = new Set<string>()
  for (let at = 0; at < WATCHED_MS; at += 100) {
    const state = await readState(product.url)
    if (!state) fallen.add('no state is told')
    for (const [feature, { mode, reason }] of Object.entries(state?.features ?? {}))
      if (mode === 'paused' && reason !== 'overload') fallen.add(`${feature} (${reason})`)
    await sleep(100)
  }
  const endedMs = Date.now()
  await sleep(500)
  players.stop()
  const after = await listRestarts(product)
  report.promise(`${sleeper.what}: nothing that works is ended or started again`, before === after, after)
  report.promise(
    `${sleeper.what}: nothing that works is paused because of a dependency`,
    fallen.size === 0,
    [...fallen].join(', ') || 'nothing was',
  )
  const served = shareServed(players.outcomes, beganMs, endedMs)
  report.promise(
    `${sleeper.what}: at least ${SERVED_MIN * 100} % of videos and feeds are served right afterwards`,
    served !== null && served >= SERVED_MIN,
    percent(served),
  )
}

/** Stops the processes for a while; whatever happens to us, they go on. */
async function suspend(pids: readonly number[], forMs: number): Promise<void> {
  const wake = () => {
    for (const pid of pids) sendSignal(pid, 'SIGCONT')
  }
  process.once('exit', wake)
  for (const pid of pids) sendSignal(pid, 'SIGSTOP')
  await sleep(forMs)
  wake()
  process.off('exit', wake)
}
