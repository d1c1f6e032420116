/** What people suffer from a release, counted as it is promised: from its start to ten minutes after. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Product } from '../../support/product.ts'
import { releaseDir, type Released } from './releasing.ts'
import type { Visitors } from './visitors.ts'

/** Of people's requests, from a release's start to ten minutes after. */
export const HARMED_SHARE_MAX = 0.001
/** For so long after the release's start harm is counted… */
const COUNTED_S = 600
/** …of which so much is waited for after its end; what is left is reckoned, and taken to go as in these seconds. */
const WAITED_AFTER_S = 5

export interface Suffered<T = Released> {
  readonly released: T
  readonly asked: number
  /** With those turned away, where these are counted. */
  readonly failed: number
  /** What went wrong, and how often, in words; empty: nothing. */
  readonly kinds: string
  /** In the seconds after its end. */
  readonly failedAfter: number
  /** Requests that were not sent. */
  readonly reckoned: number
  /** Of those asked and those reckoned. */
  readonly failedShare: number
  /** How late a visitor came, at the worst: above 10 ms the visitors themselves were held up. */
  readonly lagMaxMs: number
}

/** Releases what lies in a folder while people visit. @param perS how many requests the visitors send */
export const sufferRelease = (
  product: Product,
  visitors: Visitors,
  { dir, perS }: { readonly dir: string; readonly perS: number },
): Promise<Suffered> => suffer(visitors, { perS, release: () => releaseDir(product, dir) })

export interface SufferOptions<T> {
  /** How many requests the visitors send. */
  readonly perS: number
  readonly release: () => Promise<T>
  /** Whether to be turned away is harm, too. @default false */
  readonly countsRefusals?: boolean
}

/** Releases anything while people visit. */
export async function suffer<T>(
  visitors: Visitors,
  { perS, release, countsRefusals = false }: SufferOptions<T>,
): Promise<Suffered<T>> {
  const look = () => {
    const { asked, failed, refused } = visitors.visits
    return { asked, failed: failed + (countsRefusals ? refused : 0) }
  }
  visitors.reset()
  const released = await release()
  const before = look()
  await sleep(WAITED_AFTER_S * 1_000)
  const { asked, failed } = look()
  const { failures, lagMaxMs } = visitors.visits
  const reckoned = Math.max(0, COUNTED_S * perS - asked)
  const failedAfter = failed - before.failed
  const failedReckoned = (reckoned * failedAfter) / Math.max(1, asked - before.asked)
  return {
    released,
    asked,
    failed,
    kinds: [...failures].map(([kind, count]) => `${kind} × ${count}`).join(', '),
    failedAfter,
    reckoned,
    failedShare: (failed + failedReckoned) / (asked + reckoned),
    lagMaxMs,
  }
}
