/**
 * Knows whether PostgreSQL is there: it asks the shortest question there is over a connection of its own, many times a
 * second. While it is away every connection ends and none is begun, so nobody waits for what will not come. A database
 * that is merely slow is there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { createGuardedClients, type GuardedClients } from './guarded-client.ts'
import { ATTEMPT_MS, openProbe, type Probe } from './probe.ts'

/** Why it can't be used. `schema`: it answers, but what this version needs is not there yet. */
export type Absence = 'refused' | 'silent' | 'schema'

export interface DatabaseGuard extends AsyncDisposable {
  readonly isUp: boolean
  /** Null: it is up, or nobody knows yet. */
  readonly absence: Absence | null
  /** What a question takes at present, there and back; null: unknown, as while it is away. */
  readonly latencyMs: number | null
  /** For how long a question has waited for its answer; 0: none does. What is in doubt shows here before it is a verdict. */
  readonly silenceMs: number
  /** Calls `handler` when it goes and when it comes back; the answer stops it. */
  onChange(handler: (isUp: boolean) => void): () => void
  /** Waits for the first verdict. Takes PATIENCE_MS at most. */
  settled(): Promise<void>
  /** Takes the place of `pg.Client`; undefined: the plain one. */
  readonly Client: typeof pg.Client | undefined
}

export interface GuardOptions {
  readonly url: string
  /** The migrations without which the database can't be used. @default none */
  readonly migrations?: readonly string[]
  /** A handler of a change failed. */
  readonly onError: (error: Error) => void
}

export const LOOK_INTERVAL_MS = 100
/** From a question without an answer to a second one over a new connection… */
const DOUBT_MS = 100
/**
 * …and to the verdict, which ends every connection: a machine that is busy holds an answer up for some hundred milliseconds.
 * Where answers take long lately, it is that much longer. Who can't wait for so long looks at the silence itself.
 */
export const PATIENCE_MS = 1_000
const PATIENCE_IN_LATENCIES = 5
/** The time between two looks at what was away. */
const RETRY_INTERVAL_MS = 150
const CONFIRM_INTERVAL_MS = 50
/** Answers in a row after which it counts as back. */
const CONFIRMATIONS = 2
/** Our own process stood still for so long: the silence was ours. */
const STALL_MS = 50
/** Weight of the newest. */
const LATENCY_WEIGHT = 0.25

const TOO_MANY_CONNECTIONS = '53300'

/** Opens a guard; it knows more in a moment, see `settled`. Until then the database counts as up. */
export const openGuard = (options: GuardOptions): DatabaseGuard => new ActiveGuard(options)

/** One that looks at nothing and holds nobody up: for drills, and for programs that ask once and end. */
export const openIdleGuard = (): DatabaseGuard => ({
  isUp: true,
  absence: null,
  latencyMs: null,
  silenceMs: 0,
  onChange: () => () => {},
  settled: async () => {},
  Client: undefined,
  [Symbol.asyncDispose]: async () => {},
})

/** Settles when the database is up, at once if it is. @throws the signal's reason */
export function whenUp(guard: DatabaseGuard, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    if (guard.isUp) return resolve()
    const giveUp = () => {
      stop()
      reject(signal.reason)
    }
    const stop = guard.onChange((isUp) => {
      if (!isUp) return
      stop()
      signal.removeEventListener('abort', giveUp)
      resolve()
    })
    signal.addEventListener('abort', giveUp, { once: true })
  })
}

interface Answer {
  readonly probe: Probe
  readonly latencyMs: number
  readonly hasSchema: boolean
}

class ActiveGuard implements DatabaseGuard {
  readonly #options: GuardOptions
  readonly #clients: GuardedClients
  readonly #handlers = new Set<(isUp: boolean) => void>()
  readonly #closing = new AbortController()
  readonly #verdict = Promise.withResolvers<void>()
  readonly #running: Promise<void>
  #absence: Absence | null = null
  #isKnown = false
  #latencyMs: number | null = null
  #probe: Probe | null = null
  #hasSchema = false
  #isDoubted = false
  #confirmations = 0
  /** When the question was asked that nothing has been heard since; null: everything was answered. */
  #askedAtMs: number | null = null
  #patience: NodeJS.Timeout | null = null
  #wake = () => {}

  constructor(options: GuardOptions) {
    this.#options = options
    this.#clients = createGuardedClients({
      isUp: () => this.isUp,
      look: () => this.#wake(),
      distrust: () => {
        this.#isDoubted = true
        this.#wake()
      },
    })
    this.#running = this.#run()
  }

  get isUp(): boolean {
    return this.#absence === null
  }

  get absence(): Absence | null {
    return this.#absence
  }

  get latencyMs(): number | null {
    return this.isUp ? this.#latencyMs : null
  }

  get silenceMs(): number {
    return this.#askedAtMs === null ? 0 : performance.now() - this.#askedAtMs
  }

  get Client(): typeof pg.Client {
    return this.#clients.Client
  }

  onChange(handler: (isUp: boolean) => void): () => void {
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  settled(): Promise<void> {
    return this.#verdict.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    this.#dropProbe()
    this.#wake()
    await this.#running
    this.#dropProbe()
    // Those whose server is silent would linger.
    this.#clients.destroyAll()
    this.#stopWaiting()
    this.#verdict.resolve()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        this.#noteAnswer(await this.#look())
      } catch (error) {
        if (!signal.aborted) this.#noteFailure(error)
      }
      await this.#pause()
    }
  }

  #pause(): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve()
    const ms = this.isUp
      ? LOOK_INTERVAL_MS
      : this.#confirmations > 0
        ? CONFIRM_INTERVAL_MS
        : RETRY_INTERVAL_MS
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Asks; when the answer takes long, over a new connection as well. The first answer counts, the other one is dropped. */
  async #look(): Promise<Answer> {
    this.#askedAtMs ??= performance.now()
    this.#wait()
    if (this.#isDoubted) this.#dropProbe()
    this.#isDoubted = false
    const old = this.#probe
    const loser = new AbortController()
    const signal = AbortSignal.any([loser.signal, this.#closing.signal])
    const asked = old && this.#ask(old)
    try {
      const first = await Promise.any([...(asked ? [asked] : []), this.#askAnew(asked, signal)])
      first.probe.detach()
      return first
    } catch (error) {
      // The last one tells why there is no new connection; that an old one broke says little.
      throw (error as AggregateError).errors.at(-1)
    } finally {
      loser.abort()
    }
  }

  async #askAnew(asked: Promise<Answer> | null, signal: AbortSignal): Promise<Answer> {
    if (asked) {
      const isDoubtful = await Promise.race([
        asked.then(
          () => false,
          () => true,
        ),
        sleep(DOUBT_MS, true, { signal }),
      ])
      if (!isDoubtful) return asked
    }
    const probe = await openProbe(this.#options.url, signal)
    this.#hasSchema = false
    return this.#ask(probe)
  }

  async #ask(probe: Probe): Promise<Answer> {
    const { migrations = [] } = this.#options
    const beganMs = performance.now()
    const isChecked = this.#hasSchema || migrations.length === 0
    const hasSchema = isChecked ? await probe.ask().then(() => true) : await probe.hasMigrations(migrations)
    return { probe, hasSchema, latencyMs: performance.now() - beganMs }
  }

  #noteAnswer({ probe, latencyMs, hasSchema }: Answer): void {
    this.#askedAtMs = null
    this.#stopWaiting()
    if (probe !== this.#probe) {
      this.#probe?.destroy()
      this.#probe = probe
      probe.onEnd(() => {
        this.#dropProbe()
        this.#wake()
      })
    }
    this.#hasSchema = hasSchema
    this.#latencyMs =
      this.#latencyMs === null ? latencyMs : this.#latencyMs + LATENCY_WEIGHT * (latencyMs - this.#latencyMs)
    this.#confirmations = hasSchema ? this.#confirmations + 1 : 0
    if (!hasSchema) this.#set('schema')
    else if (!this.#isKnown || this.#confirmations >= CONFIRMATIONS) this.#set(null)
  }

  #noteFailure(error: unknown): void {
    this.#dropProbe()
    this.#confirmations = 0
    // It is there, and has no room for us: those who have a connection can go on.
    if ((error as { code?: string }).code === TOO_MANY_CONNECTIONS && this.#isKnown) {
      this.#askedAtMs = null
      return this.#stopWaiting()
    }
    const isLate = this.#askedAtMs !== null && performance.now() - this.#askedAtMs >= ATTEMPT_MS
    this.#set(isLate ? 'silent' : 'refused')
  }

  #dropProbe(): void {
    this.#probe?.destroy()
    this.#probe = null
  }

  #wait(ms = this.#patienceMs()): void {
    if (this.#patience || !this.isUp) return
    const askedAtMs = this.#askedAtMs
    const dueMs = performance.now() + ms
    this.#patience = setTimeout(() => {
      const isOurs = performance.now() - dueMs > STALL_MS
      // Timers come before sockets in a turn of the event loop: the answer may lie there unread.
      setImmediate(() => {
        if (askedAtMs === null || this.#askedAtMs !== askedAtMs || this.#closing.signal.aborted) return
        this.#patience = null
        if (isOurs) this.#wait()
        else this.#set('silent')
      })
    }, ms)
  }

  #patienceMs(): number {
    return Math.min(ATTEMPT_MS, Math.max(PATIENCE_MS, PATIENCE_IN_LATENCIES * (this.#latencyMs ?? 0)))
  }

  #stopWaiting(): void {
    if (this.#patience) clearTimeout(this.#patience)
    this.#patience = null
  }

  #set(absence: Absence | null): void {
    const wasUp = this.isUp
    this.#absence = absence
    this.#isKnown = true
    if (absence !== null) {
      this.#confirmations = 0
      this.#stopWaiting()
    }
    if (wasUp !== this.isUp) {
      if (!this.isUp) this.#clients.destroyAll()
      for (const handler of this.#handlers) this.#tell(handler)
    }
    this.#verdict.resolve()
  }

  #tell(handler: (isUp: boolean) => void): void {
    try {
      handler(this.isUp)
    } catch (error) {
      this.#options.onError(error as Error)
    }
  }
}
