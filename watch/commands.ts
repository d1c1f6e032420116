/** What the command line's words do. */
import { access } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { tmpdir } from 'node:os'
import { mkdtemp, rm } from 'node:fs/promises'
import { createPrivateKey } from 'node:crypto'
import { systemClock } from '../kit/clock.ts'
import { createLog } from '../kit/log.ts'
import { startAgent } from './agent/index.ts'
import {
  environmentWith,
  loadWatchConfig,
  requireOwnName,
  WatchConfigError,
  type WatchConfig,
} from './app/config.ts'
import { openWatchContext, shippedFiles } from './app/context.ts'
import { lockWatchDir, WatchRunsAlreadyError } from './app/lock.ts'
import { startWatch } from './app/serve.ts'
import { describeFault, openCatalog } from './configuration/index.ts'
import { describeImported, IMPORT_KINDS, ImportError, importService } from './ecosystem/import/index.ts'
import { WatchPortError } from './http/server.ts'
import { rotateWatchKeys } from './operators/index.ts'
import { openOwnKey } from './peers/index.ts'
import { scoreFile } from './score.ts'
import { StoreUnusableError } from './store/index.ts'

/** Errors whose message says all that the person needs; any other one shows where it comes from. */
const EXPLAINED = [ImportError, StoreUnusableError, WatchConfigError, WatchPortError, WatchRunsAlreadyError]

const PARTLY_DONE = 3

export interface CommandOptions {
  readonly port?: string | undefined
  readonly data?: string | undefined
  readonly catalog?: string | undefined
  readonly services?: string | undefined
  readonly 'peer-url'?: string | undefined
  readonly replace?: boolean | undefined
}

/** Watches until SIGINT, SIGTERM or SIGHUP; a second one ends it by force. */
export async function runServe(options: CommandOptions): Promise<void> {
  const ending = Promise.withResolvers<void>()
  let signals = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (++signals > 1) process.exit(1)
      ending.resolve()
    })
  try {
    const config = await readConfig(options)
    const lock = await lockWatchDir(config.dataDir, { isReplaced: options.replace ?? false })
    const running = await startWatch(config)
    console.log(`The watch is ready: ${running.url}`)
    // Whoever started it beside itself hears it, too; when that is gone, the watch goes on.
    process.on('disconnect', () => {})
    if (process.connected) process.send!({ type: 'ready', url: running.url, port: running.port }, () => {})
    await ending.promise
    await running[Symbol.asyncDispose]()
    lock[Symbol.dispose]()
    process.exit(0)
  } catch (error) {
    explainAndExit(error)
  }
}

/** Looks from here for a watch elsewhere, until SIGINT or SIGTERM. */
export async function runAgent(options: {
  readonly watch?: string | undefined
  readonly key?: string | undefined
  readonly region?: string | undefined
  readonly 'allow-private'?: boolean | undefined
}): Promise<void> {
  try {
    const { agentKey, journeyAccount, connectivity, logLevel } = loadWatchConfig()
    if (!options.watch || !URL.canParse(options.watch))
      throw new WatchConfigError('Say where the watch is: --watch https://watch.example.org')
    if (!options.key) throw new WatchConfigError('Say which key of the service files signs: --key ID')
    if (!agentKey)
      throw new WatchConfigError(
        'Set WATCH_AGENT_SECRET (hmac-sha256, at least 16 characters) or WATCH_AGENT_PRIVATE_KEY (ed25519, PEM).',
      )
    const ending = Promise.withResolvers<void>()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => ending.resolve())
    await using _agent = startAgent({
      watchUrl: options.watch,
      keyId: options.key,
      key:
        agentKey.algorithm === 'ed25519'
          ? { algorithm: 'ed25519', privateKey: createPrivateKey(agentKey.pem) }
          : agentKey,
      region: options.region ?? null,
      connectivity,
      allowPrivate: options['allow-private'] ?? false,
      journeyAccount,
      clock: systemClock,
      log: createLog({ level: logLevel, base: { role: 'watch-agent' } }),
    })
    console.log(`The agent looks for ${options.watch}`)
    await ending.promise
  } catch (error) {
    explainAndExit(error)
  }
}

/** Writes how unusual each row of a file of `timestamp,value` is. */
export async function runScore(path: string): Promise<void> {
  try {
    await scoreFile(path)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(1)
  }
}

/** Says what is wrong with the service files; the exit code is 0 when nothing is. */
export async function runCheckConfig(options: CommandOptions): Promise<void> {
  try {
    const config = await readConfig(options)
    const scratch = await mkdtemp(join(tmpdir(), 'upbeat-watch-check-'))
    await using catalog = await openCatalog({
      files: shippedFiles(config),
      dir: config.catalogDir,
      lastGoodDir: scratch,
      variables: config.variables,
      log: createLog({ level: 'silent', base: {} }),
    })
    const faults = catalog.faults()
    for (const fault of faults) console.error(describeFault(fault))
    for (const { id, features, regions, monitors } of catalog.services())
      console.log(
        `${id}: ${features.length} features, ${regions.length} regions, ${monitors.length} monitors`,
      )
    await rm(scratch, { recursive: true, force: true })
    process.exitCode = faults.length > 0 ? 1 : 0
  } catch (error) {
    explainAndExit(error)
  }
}

/** Writes the line that the other watch's settings need to know this one by. A running watch may stand on the same folder. */
export async function runPeerKey(options: CommandOptions): Promise<void> {
  try {
    const config = await readConfig(options)
    requireOwnName(config.id)
    await using opened = await openWatchContext({ ...config, logLevel: 'silent' })
    console.log((await openOwnKey(opened.ctx)).line)
  } catch (error) {
    explainAndExit(error)
  }
}

/** After a breach: makes its keys anew. Ends the watch that runs on the folder; whoever looks after it starts it again. */
export async function runRotateKeys(options: CommandOptions): Promise<void> {
  try {
    const config = await readConfig(options)
    using _lock = await lockWatchDir(config.dataDir, { isReplaced: true })
    await using opened = await openWatchContext({ ...config, logLevel: 'silent' })
    const { keys, endedSessions } = await rotateWatchKeys(opened.ctx)
    console.log(
      `New keys: ${keys.join(', ') || 'there were none'}. Sessions of operators that were ended: ${endedSessions}.`,
    )
  } catch (error) {
    explainAndExit(error)
  }
}

/**
 * Brings another tool's services over: writes a file beside the others (--catalog, else this folder). The exit code is 3
 * when something could not be carried over; it is named.
 */
export async function runImport(
  kind: string,
  source: string,
  options: CommandOptions & {
    readonly id?: string | undefined
    readonly name?: string | undefined
    readonly url?: string | undefined
  },
): Promise<void> {
  try {
    const known = IMPORT_KINDS.find((one) => one === kind)
    if (!known)
      throw new ImportError(`There is no import of ${kind}; there are ${IMPORT_KINDS.join(' and ')}.`)
    const config = await readConfig(options)
    await using opened = await openWatchContext({ ...config, logLevel: 'silent' })
    const imported = await importService(opened.ctx, {
      kind: known,
      source,
      dir: config.catalogDir ?? process.cwd(),
      wishes: { id: options.id ?? null, name: options.name ?? null, url: options.url ?? null },
    })
    for (const line of describeImported(imported)) console.log(line)
    process.exitCode = imported.leftOut.length > 0 ? PARTLY_DONE : 0
  } catch (error) {
    explainAndExit(error)
  }
}

async function readConfig(options: CommandOptions): Promise<WatchConfig> {
  const config = loadWatchConfig(
    environmentWith({
      ...(options.port !== undefined && { WATCH_PORT: options.port }),
      ...(options.data !== undefined && { WATCH_DATA_DIR: resolve(options.data) }),
      ...(options.catalog !== undefined && { WATCH_CATALOG: resolve(options.catalog) }),
      ...(options.services !== undefined && { WATCH_SERVICES: options.services }),
      ...(options['peer-url'] !== undefined && { WATCH_PEER_URL: options['peer-url'] }),
    }),
  )
  if (config.catalogDir !== null)
    await access(config.catalogDir).catch(() => {
      throw new WatchConfigError(
        `There is no folder ${config.catalogDir}. Make it, or leave --catalog (WATCH_CATALOG) out.`,
      )
    })
  return config
}

function explainAndExit(error: unknown): never {
  console.error(EXPLAINED.some((kind) => error instanceof kind) ? (error as Error).message : error)
  process.exit(1)
}
