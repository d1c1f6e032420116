/**
 * The database under the roles: our own PostgreSQL, or the one that the configuration names. It comes up beside them;
 * they do without until it is there with its schema as it has to be.
 */
import { pauseBeforeRestart } from '../../kit/processes.ts'
import type { Config } from '../app/config.ts'
import { startPostgres, type Postgres } from '../infra/postgres/index.ts'
import type { Output } from './output.ts'
import type { Progress } from './progress.ts'
import { bringSchemaUpToDate } from './schema.ts'

export interface SupervisedDatabase extends AsyncDisposable {
  /** Null: somebody else runs it, or it has never been up yet. */
  readonly postgres: Postgres | null
  /** Whether it is ours to run. */
  readonly isEmbedded: boolean
  /**
   * Where it is, or will be in a moment.
   *
   * @throws {PostgresMissingError} {FolderBlockedError} when ours can't even be tried.
   */
  readonly address: Promise<string>
  /** The same as far as it is known; null: not yet. */
  readonly url: string | null
  /** Settles when it is there with its schema. @throws when it is stopped before. */
  readonly ready: Promise<void>
}

export interface DatabaseOptions {
  readonly config: Config
  readonly output: Output
  readonly progress: Progress
  /** It is somewhere else than `address` said, which may have become wrong. */
  readonly onMoved: (url: string) => void
}

/** What fails for a reason of its own is tried again after this: it takes a person to mend, and time. */
const RETRY_DELAYS_MS = [1_000, 2_000, 5_000, 15_000, 60_000]

/** For the drill that shows what would be lost: commits are said to be done some seconds before they are written. */
const WITHOUT_DURABILITY = { synchronous_commit: 'off', wal_writer_delay: '10s' }

/** Begins to bring it up, and goes on until it is. Disposal stops it in order. */
export function superviseDatabase(options: DatabaseOptions): SupervisedDatabase {
  const { config, output, progress } = options
  const closing = new AbortController()
  const { signal } = closing
  const address = Promise.withResolvers<string>()
  const url = config.database.url
  let postgres: Postgres | null = null
  let starting: Promise<Postgres | null> = Promise.resolve(null)

  if (url) address.resolve(url)
  const settings = config.protectionsOff.has('durability') ? WITHOUT_DURABILITY : {}
  const start = () =>
    startPostgres({ dataDir: `${config.dataDir}/postgres`, settings, log: output.log, onAddress })
  let known = url
  function onAddress(found: string): void {
    if (known !== null && known !== found) options.onMoved(found)
    known = found
    address.resolve(found)
  }

  async function comeUp(): Promise<void> {
    if (!url) {
      // Before it has an address there is nothing to go on trying with: the caller hears what is wrong.
      starting = progress.during('PostgreSQL', () => keepTrying('PostgreSQL', start, () => known !== null))
      postgres = await starting
    }
    await progress.during('Database schema', () =>
      keepTrying(
        'The database’s schema',
        () => bringSchemaUpToDate({ url: known!, log: output.log, tell: output.tell, signal }),
        () => true,
      ),
    )
  }

  async function keepTrying<T>(what: string, work: () => Promise<T>, mayRetry: () => boolean): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted()
      try {
        return await work()
      } catch (error) {
        if (signal.aborted || !mayRetry()) throw error
        output.log.error({ err: error, attempt }, 'database.not-ready')
        if (attempt === 0)
          output.tell(
            `  … ${what} could not be made ready, which is tried again and again. Upbeat serves what it can` +
              ` meanwhile. ${describe(error)}`,
          )
        await pauseBeforeRestart(attempt, signal, RETRY_DELAYS_MS)
      }
    }
  }

  const ready = comeUp()
  ready.catch((error: unknown) => address.reject(error))
  address.promise.catch(() => {})
  return {
    get postgres() {
      return postgres
    },
    get url() {
      return known
    },
    isEmbedded: url === null,
    address: address.promise,
    ready,
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('Stopped while starting.'))
      // One that is just starting can be stopped in order once it is up.
      const started = await starting.catch(() => null)
      await ready.catch(() => {})
      await started?.stop()
    },
  }
}

/** With its cause, where that says more. */
function describe(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error && !message.includes(cause.message) ? `${message} ${cause.message}` : message
}
