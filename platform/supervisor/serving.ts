/** From roles that serve what they can to an Upbeat that a person can use: what they are told when, and what begins then. */
import type { Config } from '../app/config.ts'
import { describeReach } from './addresses.ts'
import type { SupervisedDatabase } from './database.ts'
import { startDemo } from './demo.ts'
import type { Output } from './output.ts'
import { rejectOn, type Roles } from './roles.ts'

export interface ServingOptions {
  readonly config: Config
  /** The program that fills the demo. */
  readonly program: string
  /** The public address. */
  readonly url: string
  readonly port: number
  readonly output: Output
  readonly database: SupervisedDatabase
  readonly roles: Roles
  /** What is said of the watch beside it. */
  readonly describeWatch: () => Promise<string>
  readonly onReady: () => void
  readonly onDemoComplete: () => void
}

/** How long the database may follow the roles before the person hears that they do without. */
const DATABASE_GRACE_MS = 1_500

/** Begins to wait for what is missing. Disposal ends that. */
export function beginToServe(options: ServingOptions): AsyncDisposable {
  const { config, url, port, output, database, roles } = options
  const closing = new AbortController()
  const parts = new AsyncDisposableStack()

  async function serve(): Promise<void> {
    const stopped = rejectOn(closing.signal)
    const complete = database.ready.then(() => roles.untilComplete(closing.signal))
    const word = setTimeout(
      () => output.tell(`Upbeat serves what it can without its database, and goes on trying: ${url}`),
      DATABASE_GRACE_MS,
    )
    await Promise.race([complete, stopped]).finally(() => clearTimeout(word))
    options.onReady()
    output.tell(`Upbeat is ready: ${url}${await Promise.race([options.describeWatch(), stopped])}`)
    const reach = describeReach(config.host, port)
    if (reach) output.tell(reach)
    roles.byName.api.send({ type: 'issue-operator-link' })
    if (!config.isSignUpOpen) return
    const { dataDir, host } = config
    parts.use(
      await startDemo({
        dataDir,
        program: options.program,
        host,
        port,
        output,
        onComplete: options.onDemoComplete,
      }),
    )
  }

  const serving = serve().catch((error: unknown) => {
    if (!closing.signal.aborted) output.log.error({ err: error }, 'start.not-completed')
  })
  return {
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('Stopped while starting.'))
      await serving
      await parts.disposeAsync()
    },
  }
}
