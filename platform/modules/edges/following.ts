/** What the edges of this instance say of themselves, asked for again and again: for its operator and for the watch. */
import { EdgeStatus, type FollowedEdge } from '../../../contract/edge.ts'
import type { TakenBack } from '../../../contract/state.ts'
import { readBounded } from '../../../kit/http/read-bounded.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import type { Ctx } from '../../app/context.ts'

const INTERVAL_MS = 2_000
const TIMEOUT_MS = 1_500
/** A hundred refused documents, each with its reason, are a tenth of it. */
const STATUS_MAX_BYTES = 1024 ** 2
/** For so long everybody can see in the public state that a document went back. */
const TAKEN_BACK_TOLD_MS = 3_600_000

export interface Edges extends AsyncDisposable {
  list(): readonly FollowedEdge[]
  /** The newest document that an edge took back after people had met it; null: none within the last hour. */
  takenBack(): TakenBack | null
}

const known = new WeakMap<Ctx, Edges>()
/** Of this process; null: it follows none. */
export const edgesOf = (ctx: Ctx): Edges | null => known.get(ctx) ?? null

/** Begins to ask the edges of `MEDIA_URLS`. */
export function followEdges(ctx: Ctx): Edges {
  const followed = new Map<string, FollowedEdge>(
    ctx.config.mediaUrls.map((url) => [url, { url, status: null, hearing: 'silent', heardAt: null }]),
  )
  const repeating = startRepeating({
    intervalMs: INTERVAL_MS,
    work: (stopping) =>
      Promise.all(
        [...followed.values()].map(async (last) => {
          const heard = await hear(last.url, stopping)
          followed.set(last.url, {
            url: last.url,
            status: heard?.status ?? last.status,
            hearing: heard === null ? 'silent' : heard.status ? 'heard' : 'agent-away',
            heardAt: heard ? ctx.clock.now().toISOString() : last.heardAt,
          })
        }),
      ),
    onError: (error) => ctx.log.debug({ err: error }, 'edges.not-heard'),
  })
  const edges: Edges = {
    list: () => [...followed.values()],
    takenBack: () => newestTakenBack([...followed.values()], ctx.clock.now().getTime()),
    [Symbol.asyncDispose]: () => repeating[Symbol.asyncDispose](),
  }
  known.set(ctx, edges)
  return edges
}

/** Null: it does not answer, or is no edge. Without a status it serves on with its agent away. */
async function hear(url: string, stopping: AbortSignal): Promise<{ status: EdgeStatus | null } | null> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT_MS)])
  try {
    const answer = await fetch(`${url}/-/edge`, { signal, redirect: 'error' })
    if (!answer.ok || !answer.headers.get('content-type')?.startsWith('application/json')) return null
    const told: unknown = JSON.parse((await readBounded(answer.body, STATUS_MAX_BYTES)).toString())
    return { status: EdgeStatus.safeParse(told).data ?? null }
  } catch {
    return null
  }
}

/** @param nowMs by our clock; the edge's may be another. */
export function newestTakenBack(edges: readonly FollowedEdge[], nowMs: number): TakenBack | null {
  const found = edges
    .flatMap(({ status }) =>
      (status?.quarantined ?? []).map((one) => ({ ...one, what: `edge ${status!.name}` })),
    )
    .filter(({ at, wasInForce }) => wasInForce && nowMs - Date.parse(at) < TAKEN_BACK_TOLD_MS)
    .toSorted((one, other) => Date.parse(other.at) - Date.parse(one.at))[0]
  return found ? { what: found.what, at: found.at, reason: found.reason, wasUsed: true } : null
}
