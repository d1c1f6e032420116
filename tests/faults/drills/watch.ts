/** The outage monitor beside the platform: parts are taken away one by one, and it has to say within a minute what is broken. */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { sendSignal } from '../../../kit/processes.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { openEdge, type Edge } from '../../support/edge.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { eventually } from '../../rig/eventually.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'
import { publishVideo, readStatus, tellUnwell } from '../observing/watched.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const SEEN_WELL_WITHIN_MS = 120_000
const SAID_WITHIN_MS = 60_000
const BACK_WITHIN_MS = 300_000
/** The faults follow each other at once, so each is a relapse of the one before, and its end is believed more slowly. */
const RELAPSE_BACK_MORE_MS = 100_000

interface Fault {
  readonly what: string
  /** Those that must be called broken; others may be, too. */
  readonly features: readonly string[]
  /** Any of these may stand first; `unknown` always may. */
  readonly causes: readonly string[]
  begin(): Promise<void>
  end(): Promise<void>
}

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  const watchPort = await findFreePort()
  const dataDir = join(dir.path, 'data')
  await using edge = await openEdge()
  await using product = await startProduct({
    dataDir,
    args: ['--watch-port', String(watchPort)],
    env: {
      WATCH_PROGRAM: join(REPOSITORY, 'watch', 'main.ts'),
      WATCH_SERVICES: '',
      WATCH_CATALOG: await writeCatalog(join(dir.path, 'catalog'), edge),
    },
  })
  edge.serve(product.url)
  const url = `http://127.0.0.1:${watchPort}`
  report.promise(
    'the ready line names both addresses',
    product.told().includes(`Upbeat is ready: ${product.url} (watch: http://localhost:${watchPort})`),
  )
  await publishVideo(product)
  const healthy = await eventually(allowedMs(SEEN_WELL_WITHIN_MS), async () => {
    const { features } = await readStatus(url)
    return features.every(({ state }) => state === 'up')
  })
  const watchDir = join(dataDir, 'watch')
  report.promise(
    'every feature is seen to work',
    healthy !== null,
    healthy === null ? await tellUnwell(url, watchDir) : '',
  )

  for (const [relapses, fault] of faultsOf(product, edge).entries())
    await suffer(report, { url, dataDir: watchDir, relapses }, fault)

  const watchPid = Number(await readFile(join(dataDir, 'watch', 'watch.pid'), 'utf8'))
  await product.stop()
  report.promise('the watch ends with an ordered stop', !isAlive(watchPid))
}

/** The service's file as it ships, but that videos are watched through the edge, as viewers do. */
async function writeCatalog(dir: string, edge: Edge): Promise<string> {
  const shipped = await readFile(join(REPOSITORY, 'watch', 'catalog', 'upbeat.yaml'), 'utf8')
  await mkdir(dir)
  await writeFile(
    join(dir, 'upbeat.yaml'),
    shipped.replace(/(id: play-video\n[^]*?url: )\$\{UPBEAT_URL\}/, `$1${edge.url}`),
  )
  return dir
}

async function suffer(
  report: Report,
  { url, dataDir, relapses }: { readonly url: string; readonly dataDir: string; readonly relapses: number },
  fault: Fault,
): Promise<void> {
  const [beganMs, limitMs] = [performance.now(), allowedMs(SAID_WITHIN_MS)]
  await fault.begin()
  let cause = 'none'
  const isSaid = await eventually(limitMs, async () => {
    const { features, incidents } = await readStatus(url)
    const down = features.filter(({ status }) => status.endsWith('_outage')).map(({ id }) => id)
    const telling = incidents.find(
      ({ state, features: named }) =>
        state !== 'resolved' && state !== 'suspected' && fault.features.some((id) => named.includes(id)),
    )
    cause = telling?.cause ?? cause
    return telling !== undefined && fault.features.every((id) => down.includes(id))
  })
  report.promise(
    `${fault.what}: said within ${Math.round(limitMs / 1_000)} s`,
    isSaid !== null,
    isSaid === null ? await tellUnwell(url, dataDir) : secondsSince(beganMs),
  )
  report.promise(
    `${fault.what}: the right cause first, or "unknown"`,
    cause === 'unknown' || fault.causes.includes(cause),
    cause,
  )
  await fault.end()
  const [endedMs, backMs] = [performance.now(), allowedMs(BACK_WITHIN_MS + relapses * RELAPSE_BACK_MORE_MS)]
  const seen = new Map(fault.features.map((id) => [id, [] as string[]]))
  const isBack = await eventually(backMs, async () => {
    const { features, incidents } = await readStatus(url)
    for (const [id, states] of seen) {
      const { state } = features.find((feature) => feature.id === id)!
      if (states.at(-1) !== state) states.push(state)
    }
    return (
      features.every(({ state }) => state === 'up') && incidents.every(({ state }) => state === 'resolved')
    )
  })
  report.promise(
    `${fault.what}: called over`,
    isBack !== null,
    `${secondsSince(endedMs)}${isBack === null ? `; ${await tellUnwell(url, dataDir)}` : ''}`,
  )
  report.promise(
    `${fault.what}: recovering comes before over`,
    [...seen.values()].every((states) => states.join(' ').endsWith('recovering up')),
    [...seen].map(([id, states]) => `${id}: ${states.join(' → ')}`).join('; '),
  )
  await sleep(5_000)
}

function faultsOf(product: Product, edge: Edge): Fault[] {
  return [
    {
      what: 'the worker is held',
      features: ['processing'],
      causes: [],
      begin: async () => void (await product.control({ command: 'hold', role: 'worker' })),
      end: async () => void (await product.control({ command: 'release', role: 'worker' })),
    },
    {
      what: 'the API is held',
      features: ['feed', 'video', 'sign-in'],
      causes: [],
      begin: async () => void (await product.control({ command: 'hold', role: 'api' })),
      end: async () => void (await product.control({ command: 'release', role: 'api' })),
    },
    {
      what: 'PostgreSQL stands still',
      features: ['sign-in', 'comments'],
      causes: ['overload'],
      begin: () => signalGroup(product, 'SIGSTOP'),
      end: () => signalGroup(product, 'SIGCONT'),
    },
    {
      what: 'the segments of one rendition are unreachable',
      features: ['video'],
      causes: ['edge'],
      begin: async () => edge.cut(/\/v1080\//),
      end: async () => edge.cut(null),
    },
  ]
}

/** PostgreSQL's backends are processes of their own, children of the postmaster. */
async function signalGroup(product: Product, signal: NodeJS.Signals): Promise<void> {
  const postmaster = await product.pidOf('postgres')
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '')
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === postmaster)
      sendSignal(Number(entry), signal)
  }
  sendSignal(postmaster, signal)
}

function isAlive(pid: number): boolean {
  try {
    return sendSignal(pid, 0)
  } catch {
    return false
  }
}
