/** A PostgreSQL of the drill's own behind a bad network: it can become slow, stand still, die, and come back. */
import { join } from 'node:path'
import { createLog } from '../../../kit/log.ts'
import { listWorkingIn, sendSignal } from '../../../kit/processes.ts'
import { startPostgres } from '../../../platform/infra/postgres/index.ts'
import { startFaultProxy, type FaultProxy } from '../../support/fault-proxy.ts'

/** One way: a database in the next rack. What is slow is so many times as far away. */
const LATENCY_MS = 1.5

export interface OwnDatabase extends AsyncDisposable {
  /** By way of the bad network. */
  readonly url: string
  /** Past the bad network, for looking at what is there. */
  readonly directUrl: string
  readonly proxy: FaultProxy
  /** Each round trip takes so many times as long. */
  becomeSlow(times: number): void
  /** Nobody answers; connections that are there are reset. */
  goAway(): void
  /** Stops every process of the server where it stands: connections stay open, nothing is answered. */
  freeze(): Promise<void>
  /** Kills every process of the server, and keeps it away. */
  kill(): Promise<void>
  /** All is as it was. */
  comeBack(): Promise<void>
}

/** Starts the server in a folder of its own below `dir`. */
export async function startOwnDatabase(dir: string): Promise<OwnDatabase> {
  await using stack = new AsyncDisposableStack()
  const home = join(dir, 'elsewhere')
  const log = createLog({ level: 'silent', base: {} })
  const postgres = stack.use(await startPostgres({ dataDir: home, log }))
  const url = new URL(postgres.url)
  const proxy = stack.use(await startFaultProxy({ targetPort: Number(url.port) }))
  url.port = String(proxy.port)
  const signalAll = async (signal: NodeJS.Signals) => {
    for (const pid of await listWorkingIn(join(home, 'cluster'))) sendSignal(pid, signal)
  }
  const setLatency = (latencyMs: number) => proxy.setFaults({ up: { latencyMs }, down: { latencyMs } })
  setLatency(LATENCY_MS)

  // A server that is stopped does not hear that it shall end, and would outlive a drill that was interrupted.
  let stopped: readonly number[] = []
  const endWithUs = () => {
    for (const pid of stopped) sendSignal(pid, 'SIGCONT')
    if (postgres.pid !== null) sendSignal(postgres.pid, 'SIGQUIT')
  }
  process.once('exit', endWithUs)
  stack.defer(() => void process.off('exit', endWithUs))

  async function comeBack(): Promise<void> {
    for (const pid of stopped) sendSignal(pid, 'SIGCONT')
    stopped = []
    setLatency(LATENCY_MS)
    proxy.admit()
  }
  stack.defer(comeBack)
  const owned = stack.move()
  return {
    url: url.href,
    directUrl: postgres.url,
    proxy,
    becomeSlow: (times) => setLatency(LATENCY_MS * times),
    goAway() {
      proxy.refuse()
      proxy.reset()
    },
    async freeze() {
      stopped = await listWorkingIn(join(home, 'cluster'))
      await signalAll('SIGSTOP')
    },
    async kill() {
      proxy.refuse()
      await signalAll('SIGKILL')
    },
    comeBack,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
