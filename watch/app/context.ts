/** The composition root: what every part of the watch may need, made once per process and passed as the first argument. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '../../kit/clock.ts'
import { systemClock } from '../../kit/clock.ts'
import { createLog, type Log } from '../../kit/log.ts'
import { openCatalog, type Catalog } from '../configuration/index.ts'
import { createLiveBoard, type LiveBoard, type LiveStatus, type OtherWatches } from '../incidents/index.ts'
import { createPageBook, type PageBook } from '../on-call/index.ts'
import { otherWatches } from '../peers/index.ts'
import { openStore, type Store } from '../store/index.ts'
import type { WatchConfig } from './config.ts'
import { createRandomIds } from './ids.ts'
import { createSteadyClock } from './steady-clock.ts'
import { createTroubles, type Troubles } from './troubles.ts'

export interface WatchCtx {
  readonly config: WatchConfig
  /** Never goes back. */
  readonly clock: Clock
  readonly log: Log
  readonly store: Store
  /** The watched services, always the last good configuration. */
  readonly catalog: Catalog
  /** What the detector says now, and who wants to hear of changes. */
  readonly live: LiveStatus
  /** What other watches say of incidents. */
  readonly others: OtherWatches
  /** What its operator has to mend, and who says so. */
  readonly troubles: Troubles
  /** Who is called for what, also while the disk takes nothing. */
  readonly pages: PageBook
  /** 12 lower-case letters and digits, at random: how Statuspage's clients expect ids. */
  newId(): string
  randomBytes(count: number): Buffer
}

export interface OpenWatchContext extends AsyncDisposable {
  readonly ctx: WatchCtx
  /** The writable side of `ctx.live`, for the incident loop alone. */
  readonly board: LiveBoard
}

const SHIPPED_DIR = join(import.meta.dirname, '..', 'catalog')

/** Service files that come with the product and are watched by these settings. */
export const shippedFiles = (config: WatchConfig): string[] =>
  config.shippedServices.map((id) => join(SHIPPED_DIR, `${id}.yaml`))

/**
 * Opens what the process stands on. Disposal closes it in the opposite order.
 *
 * @throws {StoreUnusableError}
 */
export async function openWatchContext(
  config: WatchConfig,
  options: { readonly clock?: Clock; readonly log?: Log } = {},
): Promise<OpenWatchContext> {
  const log = options.log ?? createLog({ level: config.logLevel, base: { role: 'watch' } })
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openStore({ path: join(config.dataDir, 'watch.sqlite'), log }))
  const catalog = stack.use(
    await openCatalog({
      files: shippedFiles(config),
      dir: config.catalogDir,
      lastGoodDir: join(config.dataDir, 'last-good'),
      variables: config.variables,
      log,
    }),
  )
  const board = createLiveBoard(log)
  const clock = createSteadyClock(options.clock ?? systemClock)
  const troubles = createTroubles({ clock, log })
  const isIncidentUnwritten = (id: string) => board.findUnwritten(id) !== null
  const ctx: WatchCtx = {
    config,
    clock,
    log,
    store,
    catalog,
    live: board,
    others: otherWatches,
    troubles,
    pages: createPageBook({ store, clock, log, troubles, isIncidentUnwritten }),
    newId: createRandomIds(randomBytes),
    randomBytes,
  }
  const owned = stack.move()
  return { ctx, board, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
