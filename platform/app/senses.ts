/** What a role looks at beside its own work, for the steward: the disk, the files of videos, the role that takes uploads. */
import { mkdir, statfs } from 'node:fs/promises'
import { startRepeating } from '../../kit/repeat.ts'
import { findWriteRefusal } from '../../kit/files/write-refusal.ts'
import type { Ctx } from './context.ts'

const LOOK_EVERY_MS = 1_000
/** A look that takes longer has found nobody. */
const PATIENCE_MS = 1_000
/** One that fails may be a restart; several in a row are an absence. */
const MISSES_MAX = 2

interface Sense {
  readonly dependency: 'disk' | 'blobs' | 'ingest'
  /** Whether it is there. @throws when it is not */
  readonly look: (signal: AbortSignal) => Promise<boolean>
}

/** Begins to look; disposal ends it. */
export function openSenses(ctx: Ctx): AsyncDisposable {
  const { ingestAddress } = ctx.config
  const senses: Sense[] = [
    { dependency: 'disk', look: () => takesMore(ctx) },
    { dependency: 'blobs', look: async () => (await ctx.blobs.freeBytes(), true) },
  ]
  if (ingestAddress?.startsWith('http'))
    senses.push({
      dependency: 'ingest',
      // Whoever comes while it is replaced waits for its successor.
      look: async (signal) =>
        ctx.peers.isChanging('ingest') || (await fetch(new URL('/healthz', ingestAddress), { signal })).ok,
    })
  const stack = new AsyncDisposableStack()
  for (const sense of senses) stack.use(follow(ctx, sense))
  return stack
}

function follow(ctx: Ctx, { dependency, look }: Sense): AsyncDisposable {
  let misses: number | null = null
  ctx.steward.addProbe(dependency, () => (misses === null ? null : misses < MISSES_MAX))
  const isThere = () => {
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const late = new Promise<boolean>((resolve) => {
      signal.addEventListener('abort', () => resolve(false), { once: true })
    })
    return Promise.race([look(signal), late]).catch(() => false)
  }
  return startRepeating({
    intervalMs: LOOK_EVERY_MS,
    async work() {
      misses = (await isThere()) ? 0 : (misses ?? 0) + 1
    },
    onError: (error) => ctx.log.warn({ err: error, dependency }, 'steward.sense-failed'),
  })
}

/** Whether the disk can be written to, and anything is left of it beyond what is kept in reserve. */
async function takesMore({ config, blobs }: Ctx): Promise<boolean> {
  const { staging } = config.paths
  await mkdir(staging, { recursive: true, mode: 0o700 })
  if (await findWriteRefusal(staging)) return false
  const { bavail, bsize } = await statfs(staging)
  // Files of videos that are gone altogether are told by a sense of their own.
  const blobsFree = await blobs.freeBytes().catch(() => null)
  if (blobsFree !== null && (await blobs.findRefusal())) return false
  return Math.min(bavail * bsize, blobsFree ?? Infinity) > config.uploads.reserveBytes
}
