/** The withdrawals that one process knows of: its own at once, those of the others when it next looks at the disk. */
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'
import type { Log } from '../../../kit/log.ts'
import type { GoneKind } from './format.ts'
import {
  appendWithdrawals,
  createWithdrawalReader,
  FILE_MAX_WITHDRAWALS,
  removeRules,
} from './withdrawal-files.ts'
import type { Withdrawal } from './withdrawals.ts'

/** Of both files. */
const KNOWN_MAX = 2 * FILE_MAX_WITHDRAWALS

export interface Withdrawn {
  /** Whether those on disk were ever read: else nobody knows what the shelf must not show. */
  readonly isKnown: boolean
  /** Null: nothing of the kind, or rules that have what all transactions before `rulesXid` committed know better. */
  goneKind(videoId: string, rulesXid: bigint): GoneKind | null
  /** The same of a block; false: it was lifted. */
  isBlocking(blocker: string, blocked: string, rulesXid: bigint): boolean | null
  /** On disk when it settles, or the rules are off it. Never throws. */
  keep(withdrawals: readonly Withdrawal[]): Promise<void>
  /** Looks what the other processes wrote. Never throws. */
  refresh(): Promise<void>
}

export function openWithdrawn({ dataDir, log }: { readonly dataDir: string; readonly log: Log }): Withdrawn {
  const latest = createRecentMap<string, Withdrawal>(KNOWN_MAX)
  function learn(withdrawal: Withdrawal): void {
    const key = 'videoId' in withdrawal ? withdrawal.videoId : withdrawal.accountId + withdrawal.subjectId
    const known = latest.get(key)
    // They may be read in another order than the changes were made in.
    if (!known || known.stamp.position <= withdrawal.stamp.position) latest.set(key, withdrawal)
  }
  function find(key: string, rulesXid: bigint): Withdrawal['kind'] | null {
    const found = latest.get(key)
    return found && found.stamp.xid >= rulesXid ? found.kind : null
  }
  const reader = createWithdrawalReader(dataDir, learn, (error) =>
    log.error({ err: error }, 'standby.withdrawals-not-read'),
  )
  return {
    get isKnown() {
      return reader.isKnown
    },
    goneKind(videoId, rulesXid) {
      const kind = find(videoId, rulesXid)
      return kind === 'deleted' || kind === 'hidden' ? kind : null
    },
    isBlocking(blocker, blocked, rulesXid) {
      const kind = find(blocker + blocked, rulesXid)
      return kind === null ? null : kind === 'blocked'
    },
    async keep(withdrawals) {
      for (const withdrawal of withdrawals) learn(withdrawal)
      try {
        await appendWithdrawals(dataDir, withdrawals)
      } catch (error) {
        log.error({ err: error }, 'standby.withdrawal-not-kept')
        await removeRules(dataDir).catch((failure: unknown) =>
          log.error({ err: failure }, 'standby.rules-not-removed'),
        )
      }
    },
    refresh: () => reader.refresh(),
  }
}
