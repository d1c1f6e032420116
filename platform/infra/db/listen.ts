/** LISTEN/NOTIFY: short messages between the processes of one instance, delivered when the sender's transaction commits. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import type { Db, Tx } from './client.ts'

/** PostgreSQL refuses a payload of 8,000 bytes or more. */
const NOTIFY_MAX_BYTES = 7_999

/**
 * Sends a message on a channel, when the transaction commits (or at once outside one).
 *
 * @throws {RangeError} when the payload as JSON is larger than NOTIFY_MAX_BYTES: send an id and let the listener read.
 */
export const notify = (db: Db | Tx, channel: string, payload: unknown): Promise<void> =>
  notifyAll(db, channel, [payload])

/** The same for several, in one statement. PostgreSQL delivers equal messages of one transaction once. */
export async function notifyAll(db: Db | Tx, channel: string, payloads: readonly unknown[]): Promise<void> {
  if (payloads.length === 0) return
  const texts = payloads.map((payload) => JSON.stringify(payload))
  if (texts.some((text) => Buffer.byteLength(text) > NOTIFY_MAX_BYTES))
    throw new RangeError(`A message on ${channel} is too large to send.`)
  await sql`select pg_notify(${channel}, text) from unnest(${texts}::text[]) as text`.execute(db)
}

export interface Listener extends AsyncDisposable {
  /** Calls `handler` with each message; the answer stops it. */
  on(channel: string, handler: (payload: unknown) => void): () => void
  /** Calls `handler` after a lost connection is back: messages may have been missed, so caches must be dropped. */
  onGap(handler: () => void): () => void
  /** Waits until everything asked for so far is listened to: what is sent from now on is heard. */
  settled(): Promise<void>
}

const RECONNECT_DELAYS_MS = [50, 200, 500, 1000]

/** Keeps one connection that listens; reconnects by itself. */
export function openListener(options: { url: string; onError: (error: Error) => void }): Listener {
  const handlers = new Map<string, Set<(payload: unknown) => void>>()
  const gapHandlers = new Set<() => void>()
  const closing = new AbortController()
  const asking = new Set<Promise<unknown>>()
  let client: pg.Client | null = null
  let connected = Promise.withResolvers<void>()
  let hasConnectedBefore = false

  async function connectOnce(): Promise<void> {
    const next = new pg.Client({
      connectionString: options.url,
      application_name: 'upbeat-listener',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    })
    const ended = new Promise<void>((resolve) => next.once('end', resolve))
    next.on('error', options.onError)
    next.on('notification', (message) => {
      const payload: unknown = JSON.parse(message.payload ?? 'null')
      for (const handler of handlers.get(message.channel) ?? []) handler(payload)
    })
    await next.connect()
    for (const channel of handlers.keys()) await next.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
    client = next
    if (closing.signal.aborted) return next.end()
    if (hasConnectedBefore) for (const handler of gapHandlers) handler()
    hasConnectedBefore = true
    connected.resolve()
    await ended
    connected = Promise.withResolvers()
  }

  async function run(): Promise<void> {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      try {
        await connectOnce()
        attempt = 0
      } catch (error) {
        options.onError(error as Error)
      }
      client = null
      const delayMs = RECONNECT_DELAYS_MS[Math.min(attempt, RECONNECT_DELAYS_MS.length - 1)]
      await sleep(delayMs, undefined, { signal: closing.signal }).catch(() => {})
    }
  }
  const running = run()

  return {
    on(channel, handler) {
      let set = handlers.get(channel)
      if (!set) {
        handlers.set(channel, (set = new Set()))
        if (client) {
          const asked = client.query(`LISTEN ${pg.escapeIdentifier(channel)}`).catch(options.onError)
          asking.add(asked)
          void asked.finally(() => asking.delete(asked))
        }
      }
      set.add(handler)
      return () => set.delete(handler)
    },
    onGap(handler) {
      gapHandlers.add(handler)
      return () => gapHandlers.delete(handler)
    },
    async settled() {
      await connected.promise
      await Promise.all(asking)
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      await client?.end().catch(() => {})
      await running
    },
  }
}
