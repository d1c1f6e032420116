/**
 * Two watches beside the platform, one of them in a network, a folder and as a user of its own; then the platform's whole
 * side is killed, and one of the watches after it. What they know has to be said throughout, by whoever is left.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { WatchStatus } from '../../../contract/watch.ts'
import { findFreePort } from '../../../kit/network/free-port.ts'
import { listWorkingIn, sendSignal } from '../../../kit/processes.ts'
import { environmentWith } from '../../../watch/app/config.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { makeOwnSide, whyNoOwnSide } from '../injecting/own-side.ts'
import { eventually } from '../../rig/eventually.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'
import { listEncoders } from '../../rig/victims.ts'
import { publishVideo, readStatus, tellUnwell } from '../observing/watched.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const READY_WITHIN_MS = 60_000
const SEEN_WELL_WITHIN_MS = 180_000
/** The promise of the watch: said within a minute. */
const SAID_WITHIN_MS = 60_000
/** Three words missed, and the time to notice it. */
const SILENCE_WITHIN_MS = 30_000
const BACK_WITHIN_MS = 300_000
/** How long the page may take; it is asked this often. */
const PAGE_TIMEOUT_MS = 5_000
const PAGE_EVERY_MS = 250

export async function run(report: Report): Promise<void> {
  const why = await whyNoOwnSide()
  if (why !== null) {
    report.skip('a watch on a side of its own says that the platform is down', why)
    return
  }
  await using dir = await makeTemporaryDir()
  await using side = await makeOwnSide()
  const [port, nearPort, farPort] = [await findFreePort(), await findFreePort(), await findFreePort()]
  const platform = {
    dataDir: join(dir.path, 'platform'),
    port,
    args: ['--no-watch'],
    env: { HOST: '0.0.0.0', PUBLIC_URL: `http://${side.ourAddress}:${port}` },
  }
  await using first = await startProduct(platform)
  await publishVideo(first)

  const common = { UPBEAT_URL: platform.env.PUBLIC_URL, WATCH_CONNECTIVITY: '' }
  const nearUrl = `http://${side.ourAddress}:${nearPort}`
  const farUrl = `http://${side.itsAddress}:${farPort}`
  const nearAlone = {
    dataDir: join(dir.path, 'near'),
    prefix: [],
    env: { ...common, WATCH_ID: 'near', WATCH_PUBLIC_URL: nearUrl },
  }
  const farAlone = {
    dataDir: side.dataDir,
    prefix: side.prefix,
    env: { ...common, WATCH_ID: 'far', WATCH_PUBLIC_URL: farUrl, HOME: side.dataDir },
  }
  // Each has a key of its own, and is told the other one's.
  const [nearKey, farKey] = [await readKey(nearAlone), await readKey(farAlone)]
  const nearOptions: WatchOptions = {
    ...nearAlone,
    port: nearPort,
    peerUrl: farUrl,
    env: { ...nearAlone.env, WATCH_PEER_KEY: farKey },
  }
  await using far = await startWatch({
    ...farAlone,
    port: farPort,
    peerUrl: nearUrl,
    env: { ...farAlone.env, WATCH_PEER_KEY: nearKey },
  })
  await using near = await startWatch(nearOptions)
  report.promise(
    'one watch has a network, a folder and a user of its own',
    await isApart(far, side.user.uid),
    `user ${side.user.name}, ${side.itsAddress}`,
  )
  const readyMs = performance.now()
  const seenWell = await eventually(allowedMs(SEEN_WELL_WITHIN_MS), async () => {
    const [one, other] = [await readStatus(farUrl), await readStatus(nearUrl)]
    return [one, other].every(
      ({ features, peers }) =>
        features.every(({ state }) => state === 'up') && peers?.[0]?.isSilent === false,
    )
  })
  const tellBoth = () =>
    tellUnwellOfBoth([
      { name: 'far', url: farUrl, dataDir: farAlone.dataDir },
      { name: 'near', url: nearUrl, dataDir: nearAlone.dataDir },
    ])
  report.promise(
    'both see every feature work, and hear each other',
    seenWell !== null,
    seenWell === null ? await tellBoth() : secondsSince(readyMs),
  )

  await loseThePlatform(report, first, { farUrl, nearUrl })
  await loseAWatch(report, { near, nearOptions, farUrl, nearUrl })

  await using second = await startProduct(platform)
  const [startMs, limitMs] = [performance.now(), allowedMs(BACK_WITHIN_MS)]
  const isBack = await eventually(limitMs, async () => {
    const both = [await readStatus(farUrl), await readStatus(nearUrl)]
    return both.every(({ indicator, incidents }) => indicator === 'none' && incidents.length === 0)
  })
  report.promise(
    'once the platform is back, both call it over',
    isBack !== null,
    `${secondsSince(startMs)}${isBack === null ? `; ${await tellBoth()}` : ''}`,
  )
  await second.stop()
}

async function tellUnwellOfBoth(
  watches: readonly { readonly name: string; readonly url: string; readonly dataDir: string }[],
): Promise<string> {
  const told = await Promise.all(watches.map(({ url, dataDir }) => tellUnwell(url, dataDir)))
  return watches.map(({ name }, index) => `${name}: ${told[index] || 'all of it works'}`).join(' | ')
}

interface Urls {
  readonly farUrl: string
  readonly nearUrl: string
}

async function loseThePlatform(report: Report, platform: Product, { farUrl, nearUrl }: Urls): Promise<void> {
  const [startMs, limitMs] = [performance.now(), allowedMs(SAID_WITHIN_MS)]
  const asking = askForPage(`${farUrl}/s/upbeat`)
  await killWholeSide(platform)
  const isSaid = (status: WatchStatus) =>
    status.indicator === 'critical' &&
    status.incidents.some(({ state }) => state !== 'suspected' && state !== 'resolved')
  const said = await eventually(limitMs, async () => isSaid(await readStatus(farUrl)))
  report.promise(
    `the platform's side is killed: said within ${Math.round(limitMs / 1_000)} s`,
    said !== null,
    secondsSince(startMs),
  )
  const agreed = await eventually(limitMs, async () => {
    const both = [await readStatus(farUrl), await readStatus(nearUrl)]
    return both.every(
      (status) =>
        isSaid(status) &&
        status.peers?.every(({ isSilent, disagreesOn }) => !isSilent && disagreesOn.length === 0) &&
        status.incidents.some(({ seenBy }) => seenBy?.length === 2),
    )
  })
  report.promise(
    'the second watch agrees, and both show one outage that both have seen',
    agreed !== null,
    secondsSince(startMs),
  )
  const { asked, failed, slowestMs } = await asking.stop()
  report.promise(
    'the status page answers throughout',
    asked > 0 && failed === 0,
    `${failed} of ${asked} failed, the slowest took ${Math.round(slowestMs)} ms`,
  )
}

async function loseAWatch(
  report: Report,
  { near, nearOptions, farUrl, nearUrl }: Urls & { near: RunningWatch; nearOptions: WatchOptions },
): Promise<void> {
  const before = (await readStatus(nearUrl)).incidents.map(({ id }) => id)
  await near.kill()
  const startMs = performance.now()
  const isHeld = await eventually(allowedMs(SILENCE_WITHIN_MS), async () => {
    const { peers, incidents } = await readStatus(farUrl)
    return (
      peers?.[0]?.isSilent && incidents.some(({ seenBy }) => seenBy?.some(({ watch }) => watch === 'near'))
    )
  })
  const page = await (await fetch(`${farUrl}/s/upbeat`)).text()
  report.promise(
    'one watch is killed: the other goes on showing what it saw, and says since when it is silent',
    isHeld !== null && page.includes('Two views') && /near\s+has been silent for/.test(page),
    secondsSince(startMs),
  )
  await startWatch(nearOptions, near)
  const isWhole = await eventually(allowedMs(SILENCE_WITHIN_MS), async () => {
    const [atFar, atNear] = [await readStatus(farUrl), await readStatus(nearUrl)]
    return (
      atFar.peers?.[0]?.isSilent === false &&
      before.every((id) => atNear.incidents.some((incident) => incident.id === id))
    )
  })
  report.promise('started again it has lost no incident, and there is one view', isWhole !== null)
}

/** Every process of the platform: its roles, what encodes, and the database. */
async function killWholeSide(platform: Product): Promise<void> {
  const { pid, roles } = await platform.status()
  const encoders = await listEncoders(platform)
  const database = await listWorkingIn(join(platform.dataDir, 'postgres', 'cluster'))
  const killed = platform.killSupervisor()
  for (const victim of [pid, ...roles.map((role) => role.pid ?? 0), ...encoders, ...database])
    if (victim > 0) sendSignal(victim, 'SIGKILL')
  await killed
}

interface WatchOptions {
  readonly port: number
  readonly dataDir: string
  readonly peerUrl: string
  readonly prefix: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** A watch's public key, as its operator reads it before the other one is told. */
async function readKey({
  dataDir,
  prefix,
  env,
}: Pick<WatchOptions, 'dataDir' | 'prefix' | 'env'>): Promise<string> {
  const [program, ...args] = [...prefix, process.execPath, 'watch/main.ts', 'peer-key', '--data', dataDir]
  const { stdout } = await promisify(execFile)(program!, args, {
    cwd: REPOSITORY,
    env: environmentWith(env),
    timeout: READY_WITHIN_MS,
  })
  return stdout.trim()
}

interface RunningWatch extends AsyncDisposable {
  child: ChildProcess
  readonly pid: number
  /** Ends it at once, and all that it started. */
  kill(): Promise<void>
}

/** Starts a watch in a process group of its own. @param again one that was killed, to go on as the same */
async function startWatch(options: WatchOptions, again?: RunningWatch): Promise<RunningWatch> {
  const { port, dataDir, peerUrl, prefix, env } = options
  const command = [
    ...prefix,
    ...[process.execPath, 'watch/main.ts', 'serve', '--port', String(port), '--data', dataDir],
    ...['--services', 'upbeat', '--peer-url', peerUrl],
  ]
  const child = spawn(command[0]!, command.slice(1), {
    cwd: REPOSITORY,
    env: environmentWith({ ...env, LOG_LEVEL: 'warn' }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const endWithUs = () => void sendSignal(-child.pid!, 'SIGKILL')
  // Before the network and the user that it runs with are taken away.
  process.prependOnceListener('exit', endWithUs)
  child.once('exit', () => process.off('exit', endWithUs))
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-20_000)))
  const isReady = await eventually(READY_WITHIN_MS, async () => {
    if (child.exitCode !== null) throw new Error('ended')
    return said.includes('The watch is ready')
  })
  if (!isReady) {
    endWithUs()
    throw new Error(`A watch did not get ready:\n${said}`)
  }
  const running: RunningWatch = again ?? {
    child,
    get pid() {
      return this.child.pid!
    },
    async kill() {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return
      const ended = once(this.child, 'exit')
      sendSignal(-this.pid, 'SIGKILL')
      await ended
    },
    async [Symbol.asyncDispose]() {
      await this.kill()
    },
  }
  running.child = child
  return running
}

/** Its network is not ours, it is who it should be, and it has no rights that others lack. */
async function isApart({ pid }: RunningWatch, uid: number): Promise<boolean> {
  const [ours, its] = [await readlink('/proc/self/ns/net'), await readlink(`/proc/${pid}/ns/net`)]
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const uids = /^Uid:\s+(.*)$/m.exec(status)?.[1]?.split(/\s+/) ?? []
  return ours !== its && uids.length === 4 && uids.every((one) => Number(one) === uid)
}

/** Asks for a page again and again, as people do while something is down. */
function askForPage(url: string) {
  const figures = { asked: 0, failed: 0, slowestMs: 0 }
  const ending = new AbortController()
  const asking = (async () => {
    while (!ending.signal.aborted) {
      const startMs = performance.now()
      figures.asked++
      const isGood = await fetch(url, { signal: AbortSignal.timeout(PAGE_TIMEOUT_MS) }).then(
        async (response) => (await response.text()).includes('</html>') && response.ok,
        () => false,
      )
      if (!isGood) figures.failed++
      figures.slowestMs = Math.max(figures.slowestMs, performance.now() - startMs)
      await sleep(PAGE_EVERY_MS)
    }
  })()
  return {
    async stop() {
      ending.abort()
      await asking
      return figures
    },
  }
}
