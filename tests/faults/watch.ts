/** The outage monitor beside the platform: parts are taken away one by one, and it has to say within a minute what is broken. */
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort } from '../../kit/free-port.ts'
import { sendSignal } from '../../kit/processes.ts'
import { startProduct, type Product } from '../support/product.ts'
import { makeTemporaryDir } from '../support/temporary-dir.ts'
import { allowedMs, eventually, secondsSince, type Report } from './report.ts'
import { publishVideo, readStatus } from './watched.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const SAID_WITHIN_MS = 60_000
const BACK_WITHIN_MS = 300_000

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
  await using product = await startProduct({
    dataDir,
    args: ['--watch-port', String(watchPort)],
    env: { WATCH_PROGRAM: join(REPOSITORY, 'watch', 'main.ts') },
  })
  const url = `http://127.0.0.1:${watchPort}`
  report.promise(
    'the ready line names both addresses',
    product.told().includes(`Upbeat is ready: ${product.url} (watch: http://localhost:${watchPort})`),
  )
  await publishVideo(product)
  const healthy = await eventually(120_000, async () => {
    const { features } = await readStatus(url)
    return features.every(({ state }) => state === 'up')
  })
  report.promise('every feature is seen to work', healthy !== null)

  for (const fault of faultsOf(product)) await suffer(report, url, fault)

  const watchPid = Number(await readFile(join(dataDir, 'watch', 'watch.pid'), 'utf8'))
  await product.stop()
  report.promise('the watch ends with an ordered stop', !isAlive(watchPid))
}

async function suffer(report: Report, url: string, fault: Fault): Promise<void> {
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
    secondsSince(beganMs),
  )
  report.promise(
    `${fault.what}: the right cause first, or "unknown"`,
    cause === 'unknown' || fault.causes.includes(cause),
    cause,
  )
  await fault.end()
  const [endedMs, backMs] = [performance.now(), allowedMs(BACK_WITHIN_MS)]
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
  report.promise(`${fault.what}: called over`, isBack !== null, secondsSince(endedMs))
  report.promise(
    `${fault.what}: recovering comes before over`,
    [...seen.values()].every((states) => states.join(' ').endsWith('recovering up')),
    [...seen].map(([id, states]) => `${id}: ${states.join(' → ')}`).join('; '),
  )
  await sleep(5_000)
}

function faultsOf(product: Product): Fault[] {
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
      what: 'the segments of one rendition are gone',
      features: ['video'],
      causes: ['edge'],
      ...hideOneRendition(product),
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

/**
 * Puts a file in the place of one rendition's folder, for every video: what a broken disk does. Files that are only missing
 * would be made again from the original within seconds.
 */
function hideOneRendition(product: Product): Pick<Fault, 'begin' | 'end'> {
  const hidden: string[] = []
  return {
    async begin() {
      const root = join(product.dataDir, 'blobs')
      const folders = (await readdir(root, { recursive: true })).filter((path) => path.endsWith('/v540'))
      for (const folder of folders) {
        const path = join(root, folder)
        await rename(path, `${path}.hidden`)
        await writeFile(path, '')
        hidden.push(path)
      }
      if (hidden.length === 0) throw new Error('There is no rendition of 540 to hide.')
    },
    async end() {
      for (const path of hidden) {
        await rm(path, { force: true, recursive: true })
        await rename(`${path}.hidden`, path)
      }
    },
  }
}

function isAlive(pid: number): boolean {
  try {
    return sendSignal(pid, 0)
  } catch {
    return false
  }
}
