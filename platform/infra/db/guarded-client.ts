/**
 * Connections that are never waited for in vain: while the database is away none is begun, and those that there are end
 * the moment it goes, with whatever was asked over them.
 */
import pg from 'pg'

/** The database is away, and everybody knows: nothing was sent. Or it went while the answer was waited for. */
export class DatabaseAwayError extends Error {
  /** SQLSTATE connection_failure, as other ends of a connection have it. */
  readonly code = '08006'
  override readonly name = 'DatabaseAwayError'

  constructor() {
    super('The database is away.')
    // Thrown by the thousand, and where from says nothing.
    this.stack = `${this.name}: ${this.message}`
  }
}

/** Where the connections look, and whom they tell what they see. */
export interface Evidence {
  isUp(): boolean
  /** A connection broke: worth a look. */
  look(): void
  /** A new connection takes long, whatever the old ones say: worth trying one. */
  distrust(): void
}

/** A connection is made in a few milliseconds, by TLS and from afar in some hundreds. */
const CONNECT_PATIENCE_MS = 1_000

/** pg's own type has a callback for success and one for failure, and calls either with both. */
type Connected = (error: never, client: never) => void
type Outcome = (error: Error | null, client?: pg.Client) => void

export interface GuardedClients {
  /** Takes the place of `pg.Client`. */
  readonly Client: typeof pg.Client
  /** Ends all connections at once. */
  destroyAll(): void
}

export function createGuardedClients(evidence: Evidence): GuardedClients {
  const open = new Set<pg.Client>()

  class GuardedClient extends pg.Client {
    override connect(callback?: Connected): Promise<this> {
      if (!callback)
        return new Promise((resolve, reject) => {
          this.#connect((error) => (error ? reject(error) : resolve(this)))
        })
      this.#connect(callback as Outcome)
      return undefined as never
    }

    #connect(callback: Outcome): void {
      if (!evidence.isUp()) return process.nextTick(callback, new DatabaseAwayError())
      open.add(this)
      this.once('end', () => open.delete(this))
      this.on('error', () => evidence.look())
      const doubt = setTimeout(() => evidence.distrust(), CONNECT_PATIENCE_MS)
      super.connect((error: Error | null) => {
        clearTimeout(doubt)
        if (error) evidence.look()
        callback(error, this)
      })
    }
  }

  return {
    Client: GuardedClient as typeof pg.Client,
    destroyAll() {
      for (const client of open) client.connection.stream.destroy(new DatabaseAwayError())
      open.clear()
    },
  }
}
