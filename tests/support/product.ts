/** The whole product as its own processes, started on a folder of the test's own: what `./up` runs, minus the setting up. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { environmentWith } from '../../platform/app/config.ts'
import {
  askSupervisor,
  type ControlRequest,
  type RoleName,
  type SupervisorStatus,
} from '../../platform/supervisor/index.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 40_000

export interface Product extends AsyncDisposable {
  readonly url: string
  readonly dataDir: string
  /** What it has told so far on standard output. */
  readonly told: () => string
  /** The end of what its processes have logged, as JSON lines. */
  readonly logged: () => string
  /** The path that makes the operator's account, once it is told. */
  operatorPath(): Promise<string>
  status(): Promise<SupervisorStatus>
  control(request: ControlRequest): Promise<SupervisorStatus>
  /** The process id of a living role. */
  pidOf(role: RoleName | 'postgres' | 'supervisor'): Promise<number>
  /** Waits until every role is ready. */
  settled(): Promise<SupervisorStatus>
  /** Ends it in order, and gives its exit code. */
  stop(): Promise<number | null>
  /** Ends the supervisor alone by force. */
  killSupervisor(): Promise<void>
}

export interface ProductOptions {
  readonly dataDir: string
  /** @default a free one */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** What to wait for: its word that all is ready, or anybody behind its control socket. @default 'ready' */
  readonly until?: 'ready' | 'control'
}

/** Starts the product without its demo; answers when it says that it is ready. @throws with all that it said */
export async function startProduct(options: ProductOptions): Promise<Product> {
  const started = spawnProduct(options)
  const { child, told, logged } = started
  const { dataDir } = options
  const complain = () => `It did not get ready:\n${started.everything()}`
  const url =
    options.until === 'control'
      ? await waitForControl(child, dataDir, complain)
      : await waitFor(child, () => /^Upbeat is ready: (\S+)/m.exec(told())?.[1], complain)
  const status = () => askSupervisor(dataDir, { command: 'status' })

  return {
    url,
    dataDir,
    told,
    logged,
    operatorPath: () =>
      waitFor(
        child,
        () => /(\/first-run\?token=\S+)/.exec(told())?.[1],
        () => 'It told no operator link.',
      ),
    status,
    control: (request) => askSupervisor(dataDir, request),
    async pidOf(name) {
      const pid = pidIn(await status(), name)
      if (!pid) throw new Error(`${name} is down.`)
      return pid
    },
    async settled() {
      for (;;) {
        const now = await status()
        if (now.roles.every(({ state }) => state === 'ready') && now.postgres?.pid !== null) return now
        await sleep(25)
      }
    },
    stop: () => end(child),
    async killSupervisor() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    [Symbol.asyncDispose]: async () => void (await end(child)),
  }
}

function pidIn(
  { pid, postgres, roles }: SupervisorStatus,
  name: RoleName | 'postgres' | 'supervisor',
): number | null | undefined {
  if (name === 'supervisor') return pid
  if (name === 'postgres') return postgres?.pid
  return roles.find(({ role }) => role === name)?.pid
}

/** In order; by force when it takes too long. */
async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(force)
  }
  return child.exitCode
}

/** Starts the product and waits until it ends; for starts that are expected to fail. */
export async function runProductToItsEnd(
  options: ProductOptions,
): Promise<{ code: number | null; output: string }> {
  const { child, everything } = spawnProduct(options)
  await once(child, 'close')
  return { code: child.exitCode, output: everything() }
}

function spawnProduct({ dataDir, port = 0, env = {}, args = [] }: ProductOptions) {
  const child = spawn(
    process.execPath,
    ['platform/main.ts', 'all', '--no-demo', '--port', String(port), '--data', dataDir, ...args],
    {
      cwd: REPOSITORY,
      // A test machine is overloaded by its tests: what answers to load is for those that ask for it.
      env: environmentWith({
        HOST: '127.0.0.1',
        PASSWORD_RANGE_URL: 'off',
        PROTECTIONS_OFF: process.env['PROTECTIONS_OFF'] ?? 'levels,admission',
        ...env,
      }),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  // It would outlive us, as whatever a service manager starts should not.
  const endWithUs = () => void child.kill('SIGTERM')
  process.once('exit', endWithUs)
  child.once('exit', () => process.off('exit', endWithUs))
  let told = ''
  let logged = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (logged = (logged + text).slice(-200_000)))
  return { child, told: () => told, logged: () => logged, everything: () => told + logged }
}

async function waitForControl(child: ChildProcess, dataDir: string, complain: () => string): Promise<string> {
  const endMs = performance.now() + START_TIMEOUT_MS
  while (performance.now() < endMs && child.exitCode === null && child.signalCode === null) {
    const status = await askSupervisor(dataDir, { command: 'status' }).catch(() => null)
    if (status) return `http://localhost:${status.port}`
    await sleep(10)
  }
  child.kill('SIGTERM')
  throw new Error(complain())
}

async function waitFor(
  child: ChildProcess,
  look: () => string | undefined,
  complain: () => string,
): Promise<string> {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += 10) {
    const found = look()
    if (found) return found
    if (child.exitCode !== null || child.signalCode !== null) break
    await sleep(10)
  }
  child.kill('SIGTERM')
  throw new Error(complain())
}
