/** LISTEN/NOTIFY: short messages between the processes of one instance, delivered when the sender's transaction commits. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import pg from 'pg'
import type { Db, Tx } from './client.ts'
import { openIdleGuard, whenUp, type DatabaseGuard } from './guard.ts'

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
  /**
   * Waits until everything asked for so far is listened to: what is sent from now on is heard. While the database is away
   * it waits for nothing: the gap is told when the connection is there.
   */
  settled(): Promise<void>
}

const RECONNECT_DELAYS_MS = [50, 200, 500, 1000]
/** A link that went dead without a word is found out this often, and given up after as long again. */
const KEEP_ALIVE_MS = 2_000

/** How long the server may take to close a connection that is done with. */
const GOODBYE_MS = 1_000

interface ListenerOptions {
  readonly url: string
  readonly onError: (error: Error) => void
  /** @default none: the database counts as up */
  readonly guard?: DatabaseGuard
}

/** Keeps one connection that listens; reconnects by itself. */
export const openListener = (options: ListenerOptions): Listener => new PgListener(options)

class PgListener implements Listener {
  readonly #options: ListenerOptions
  readonly #guard: DatabaseGuard
  readonly #handlers = new Map<string, Set<(payload: unknown) => void>>()
  readonly #gapHandlers = new Set<() => void>()
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #client: pg.Client | null = null
  #connected = Promise.withResolvers<void>()
  /** Somebody may have missed something, or has not been waited for. */
  #isGapDue = false
  /** The last channel asked for, and so all before it. */
  #asked: Promise<unknown> = Promise.resolve()

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#guard = options.guard ?? openIdleGuard()
    this.#running = this.#run()
  }

  on(channel: string, handler: (payload: unknown) => void): () => void {
    const known = this.#handlers.get(channel)
    const set = known ?? new Set()
    if (!known) {
      this.#handlers.set(channel, set)
      this.#ask(channel)
    }
    set.add(handler)
    return () => set.delete(handler)
  }

  onGap(handler: () => void): () => void {
    this.#gapHandlers.add(handler)
    return () => this.#gapHandlers.delete(handler)
  }

  async settled(): Promise<void> {
    const away = Promise.withResolvers<'away'>()
    const stop = this.#guard.onChange((isUp) => isUp || away.resolve('away'))
    if (!this.#guard.isUp) away.resolve('away')
    const outcome = await Promise.race([this.#connected.promise.then(() => this.#asked), away.promise])
    stop()
    if (outcome === 'away') this.#isGapDue = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    const client = this.#client
    // Whoever is silent does not answer a goodbye either.
    const giveUp = setTimeout(() => client?.connection.stream.destroy(), GOODBYE_MS)
    await client?.end().catch(() => {})
    clearTimeout(giveUp)
    await this.#running
  }

  /**
   * On the connection that there is, one after the other: it takes one query at a time. The next connection asks for every
   * channel.
   */
  #ask(channel: string): void {
    const client = this.#client
    if (client) this.#inTurn(() => client.query(`LISTEN ${pg.escapeIdentifier(channel)}`))
  }

  #inTurn(work: () => Promise<unknown>): void {
    this.#asked = this.#asked.then(work).catch(this.#options.onError)
  }

  #keepAlive(client: pg.Client): void {
    this.#inTurn(async () => {
      if (client !== this.#client) return
      const giveUp = setTimeout(() => client.connection.stream.destroy(), KEEP_ALIVE_MS)
      await client.query('select 1').finally(() => clearTimeout(giveUp))
    })
  }

  async #run(): Promise<void> {
    for (let attempt = 0; !this.#closing.signal.aborted; attempt++) {
      try {
        await whenUp(this.#guard, this.#closing.signal)
        await this.#connectOnce()
        attempt = 0
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#isGapDue = true
        this.#options.onError(error as Error)
      }
      this.#client = null
      const delayMs = RECONNECT_DELAYS_MS[Math.min(attempt, RECONNECT_DELAYS_MS.length - 1)]
      await sleep(delayMs, undefined, { signal: this.#closing.signal }).catch(() => {})
    }
  }

  /** Settles when the connection has ended. */
  async #connectOnce(): Promise<void> {
    const Client = this.#guard.Client ?? pg.Client
    const next = new Client({
      connectionString: this.#options.url,
      application_name: 'upbeat-listener',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
    })
    const ended = new Promise<void>((resolve) => next.once('end', resolve))
    next.on('error', this.#options.onError)
    next.on('notification', (message) => {
      const payload: unknown = JSON.parse(message.payload ?? 'null')
      for (const handler of this.#handlers.get(message.channel) ?? []) handler(payload)
    })
    await next.connect()
    for (const channel of this.#handlers.keys()) await next.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
    this.#client = next
    if (this.#closing.signal.aborted) return next.end()
    if (this.#isGapDue) for (const handler of this.#gapHandlers) handler()
    this.#isGapDue = true
    this.#connected.resolve()
    const keepAlive = setInterval(() => this.#keepAlive(next), KEEP_ALIVE_MS)
    await ended
    clearInterval(keepAlive)
    this.#connected = Promise.withResolvers()
  }
}
