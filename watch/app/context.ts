/** The composition root: what every part of the watch may need, made once per process and passed as the first argument. */
import type { Clock } from '../../kit/clock.ts'
import type { Log } from '../../kit/log.ts'
import type { Catalog } from '../configuration/catalog.ts'
import type { LiveStatus } from '../incidents/live-status.ts'
import type { Store } from '../store/index.ts'
import type { WatchConfig } from './config.ts'

export interface WatchCtx {
  readonly config: WatchConfig
  readonly clock: Clock
  readonly log: Log
  readonly store: Store
  /** The watched services, always the last good configuration. */
  readonly catalog: Catalog
  /** What the detector says now, and who wants to hear of changes. */
  readonly live: LiveStatus
  /** 12 lower-case letters and digits, at random: how Statuspage's clients expect ids. */
  newId(): string
  randomBytes(count: number): Buffer
}
