/** Who reported, without knowing who: a hash that can't be led back to an address, nor across days. */
import { hash } from 'node:crypto'
import type { WatchCtx } from '../../app/context.ts'
import { forgetKeptStatement, keepFirstStatement, readKept } from '../../store/index.ts'

export interface ReporterHash {
  /** 16 bytes, in hexadecimal: the same for the same network, cookie, service and window within a day. */
  of(input: Reporter): string
}

export interface Reporter {
  readonly network: string
  readonly cookie: string
  readonly serviceId: string
  /** Number of the window since 1970. */
  readonly window: number
  readonly atMs: number
}

const DAY_MS = 86_400_000
const SALT_BYTES = 32
const HASH_DIGITS = 32

/**
 * Opens today's salt. It is kept so that a restart counts nobody twice, and thrown away with its day: from then on nobody
 * can find out whether an address was among the reporters.
 */
export async function openReporterHash(ctx: WatchCtx): Promise<ReporterHash> {
  let salt = await loadSalt(ctx, dayOf(ctx.clock.now().getTime()))
  let loading: Promise<void> | null = null
  return {
    of({ network, cookie, serviceId, window, atMs }) {
      const day = dayOf(atMs)
      if (day !== salt.day && !loading)
        loading = loadSalt(ctx, day)
          .then((next) => void (salt = next))
          .catch((error: unknown) => ctx.log.error({ err: error }, 'reports.salt-not-kept'))
          .finally(() => (loading = null))
      // A secret of fixed length in front, and half of the result: what is known of it can't be extended to another's.
      return hash('sha256', `${salt.text}\n${serviceId}\n${window}\n${network}\n${cookie}`).slice(
        0,
        HASH_DIGITS,
      )
    },
  }
}

const dayOf = (atMs: number): number => Math.floor(atMs / DAY_MS)

async function loadSalt(
  ctx: WatchCtx,
  day: number,
): Promise<{ readonly day: number; readonly text: string }> {
  const name = `report-salt-${day}`
  await ctx.store.write([
    forgetKeptStatement('report-salt-', name),
    keepFirstStatement({
      name,
      value: ctx.randomBytes(SALT_BYTES).toString('base64'),
      nowMs: ctx.clock.now().getTime(),
    }),
  ])
  return { day, text: readKept(ctx.store, name)! }
}
