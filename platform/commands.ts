/** What the command line's words do. */
import { join, resolve } from 'node:path'
import { createLog } from '../kit/log.ts'
import { seedDemo } from './demo/index.ts'
import { ConfigError, environmentWith, loadConfig, type Config } from './app/config.ts'
import { readRestoreMark } from './app/restore-mark.ts'
import { FolderBlockedError, PostgresMissingError, PostgresStartError } from './infra/postgres/index.ts'
import {
  AlreadyRunningError,
  bringSchemaUpToDate,
  DataDirError,
  explainDataDir,
  localUrlOf,
  PortUnavailableError,
  startSupervisor,
} from './supervisor/index.ts'

/** Errors whose message says all that the person needs; any other one shows where it comes from. */
const EXPLAINED = [
  AlreadyRunningError,
  ConfigError,
  DataDirError,
  FolderBlockedError,
  PortUnavailableError,
  PostgresMissingError,
  PostgresStartError,
]

export interface RunAllOptions {
  readonly port?: string
  readonly host?: string
  readonly watchPort?: string
  readonly dataDir?: string
  readonly isDemoWanted: boolean
  readonly isWatchWanted: boolean
}

/** Runs everything on this machine until SIGINT, SIGTERM or SIGHUP; a second one ends it by force. */
export async function runAll(options: RunAllOptions): Promise<void> {
  const ending = new AbortController()
  let running: Awaited<ReturnType<typeof startSupervisor>> | null = null
  const onSignal = () => {
    if (ending.signal.aborted) return running?.kill()
    ending.abort(new Error('Stopped while starting.'))
    void running?.stop().then(() => process.exit(0))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  try {
    const config = readConfig({
      ...(options.port !== undefined && { PORT: options.port }),
      ...(options.host !== undefined && { HOST: options.host }),
      ...(options.watchPort !== undefined && { WATCH_PORT: options.watchPort }),
      ...(!options.isWatchWanted && { WATCH_PROGRAM: '' }),
      ...(options.dataDir !== undefined && { DATA_DIR: resolve(options.dataDir) }),
      ...(!options.isDemoWanted && { DEMO: 'off' }),
    })
    const unfinished = await readRestoreMark(config.dataDir).catch((error: unknown) => {
      throw explainDataDir(error, config.dataDir)
    })
    if (unfinished !== null)
      throw new ConfigError(
        `A restore of ${unfinished} into ${config.dataDir} was cut off. Do it again: ` +
          `upbeat restore ${unfinished} --into-empty --data ${config.dataDir}`,
      )
    running = await startSupervisor(
      {
        config,
        program: join(import.meta.dirname, 'main.ts'),
        commandLine: join(import.meta.dirname, '..', 'cli', 'main.ts'),
        isForPerson: process.stderr.isTTY,
      },
      ending.signal,
    )
  } catch (error) {
    if (ending.signal.aborted) process.exit(0)
    explainAndExit(error)
  }
  if (ending.signal.aborted) await running.stop().then(() => process.exit(0))
}

/** Brings the schema of DATABASE_URL up to date. */
export async function runMigrations(): Promise<void> {
  try {
    const config = readConfig({})
    const { url } = config.database
    if (!url) throw new ConfigError('DATABASE_URL is not set, so there is nothing to migrate.')
    const applied = await bringSchemaUpToDate({
      url,
      log: createLog({ level: config.logLevel, base: { role: 'migrate' } }),
      tell: console.error,
      signal: new AbortController().signal,
    })
    console.log(applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'The schema is up to date.')
  } catch (error) {
    explainAndExit(error)
  }
}

/** Fills the instance that runs on this machine with the demo. */
export async function runDemo(): Promise<void> {
  const config = readConfig({})
  const ending = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
  const log = createLog({ level: config.logLevel, base: { role: 'demo' } })
  try {
    const url = localUrlOf(config.host, config.port)
    await seedDemo({ url, passwordsPath: config.paths.demoPasswords, log, signal: ending.signal })
  } catch (error) {
    if (!ending.signal.aborted) log.error({ err: error }, 'demo.failed')
    process.exit(1)
  }
}

const readConfig = (changes: Record<string, string>): Config => loadConfig(environmentWith(changes))

function explainAndExit(error: unknown): never {
  console.error(EXPLAINED.some((kind) => error instanceof kind) ? (error as Error).message : error)
  process.exit(1)
}
