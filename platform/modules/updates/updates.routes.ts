/** HTTP of live updates: one event stream per browser. */
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { Id } from '../../../contract/common.ts'
import { UPDATES_MAX_VIDEOS } from '../../../contract/updates.ts'
import { networkOf } from '../../../kit/network/network-of.ts'
import { openSseStream } from '../../../kit/http/sse.ts'
import { AppError } from '../../app/errors.ts'
import type { Routes } from '../../app/http.ts'
import { readSessionToken } from '../accounts/index.ts'
import { createUpdateHub, gap } from './hub.ts'
import type { LoadReceipt } from './payloads.ts'

/** Streams of one account, over all its browsers and devices that this process serves. */
export const STREAMS_PER_ACCOUNT = 20
/** Streams of all signed-out browsers at one address. */
export const STREAMS_PER_ADDRESS = 100
/** Streams of this process. */
const STREAMS_MAX = 5_000

const HEARTBEAT_MS = 15_000
/** A stream is ended after this time: its session is checked anew when the browser reconnects. */
const STREAM_MAX_MS = 3_600_000
/** Browsers that lost their streams at once come back spread over this time. */
const RETRY_MIN_MS = 1_000
const RETRY_SPREAD_MS = 4_000

export interface UpdateOptions {
  readonly loadReceipt: LoadReceipt
  /** Streams of this process. @default 5000 */
  readonly maxStreams?: number
  /** @default 15000 */
  readonly heartbeatMs?: number
  /** @default 131072 */
  readonly maxBufferedBytes?: number
}

const Query = z.object({
  /** Ids, with commas between. */
  videos: z
    .string()
    .max(UPDATES_MAX_VIDEOS * 37)
    .optional(),
})

/** Makes the routes. */
export const createUpdateRoutes =
  (options: UpdateOptions): Routes =>
  (app, ctx) => {
    const hub = createUpdateHub(ctx, {
      loadReceipt: options.loadReceipt,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
    })
    const counts = createCounts()
    app.addHook('preClose', () => hub[Symbol.asyncDispose]())

    app.get(
      '/updates',
      { exposeHeadRoute: false, schema: { querystring: Query } },
      async (request, reply) => {
        const videoIds = readVideoIds(request.query.videos)
        const holder = holderOf(request)
        if (counts.total >= (options.maxStreams ?? STREAMS_MAX))
          throw new AppError('busy', { retryAfterS: 30 })
        if (counts.of(holder.key) >= holder.max)
          throw new AppError('too-many-requests', {
            detail: `${holder.max} live streams are open already; close other tabs or devices.`,
            retryAfterS: 30,
            facts: { maxStreams: holder.max },
          })
        reply.hijack()
        counts.add(holder.key, 1)
        const stream = openSseStream(reply.raw, {
          headers: reply.getHeaders(),
          retryMs: RETRY_MIN_MS + (ctx.randomBytes(2).readUInt16BE() % RETRY_SPREAD_MS),
          maxBufferedBytes: options.maxBufferedBytes,
          onClose(reason) {
            clearTimeout(lifetime)
            counts.add(holder.key, -1)
            hub.remove(stream)
            if (reason === 'slow') ctx.log.info({ requestId: request.id }, 'updates.slow-reader-dropped')
          },
        })
        const lifetime = setTimeout(() => stream.end(), STREAM_MAX_MS).unref()
        // What happened since that event is not kept: whoever comes back reads anew what it shows.
        if (request.headers['last-event-id'] !== undefined) stream.send(gap(request.id))
        await hub.add({
          stream,
          reader: request.viewer,
          sessionToken: readSessionToken(request.headers.cookie, ctx.secrets.session),
          videoIds,
        })
      },
    )
  }

function holderOf(request: FastifyRequest): { key: string; max: number } {
  return request.viewer
    ? { key: request.viewer.id, max: STREAMS_PER_ACCOUNT }
    : { key: networkOf(request.ip), max: STREAMS_PER_ADDRESS }
}

/** @throws {AppError} invalid-input */
function readVideoIds(text: string | undefined): string[] {
  const ids = [...new Set((text ?? '').split(',').filter(Boolean))]
  if (ids.length > UPDATES_MAX_VIDEOS || !ids.every((id) => Id.safeParse(id).success)) {
    const detail = `videos takes at most ${UPDATES_MAX_VIDEOS} ids, with commas between.`
    throw new AppError('invalid-input', { detail, fields: { videos: detail } })
  }
  return ids
}

function createCounts() {
  const counts = new Map<string, number>()
  let total = 0
  return {
    get total() {
      return total
    },
    of: (key: string) => counts.get(key) ?? 0,
    add(key: string, by: 1 | -1) {
      total += by
      const next = (counts.get(key) ?? 0) + by
      if (next === 0) counts.delete(key)
      else counts.set(key, next)
    },
  }
}
