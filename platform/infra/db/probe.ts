/** A connection of the guard's own, over which it asks whether PostgreSQL answers. */
import pg from 'pg'

/** How long an attempt may take in all. An answer that comes this late is still one: PostgreSQL is slow, not away. */
export const ATTEMPT_MS = 2_000

/** No migration was ever applied here. */
const UNDEFINED_TABLE = '42P01'

export interface Probe {
  /** The shortest question there is. @throws when the connection broke, or nothing came within ATTEMPT_MS. */
  ask(): Promise<void>
  /** Whether all of these migrations were applied. */
  hasMigrations(names: readonly string[]): Promise<boolean>
  /** From now on it outlives the signal that it was opened with. */
  detach(): void
  /** The connection broke by itself: worth knowing before the next question. */
  onEnd(handler: () => void): void
  /** Drops the connection at once, whoever waits for an answer over it. */
  destroy(): void
}

/**
 * Connects. What is under way ends with the signal.
 *
 * @throws as pg does; when nothing came within ATTEMPT_MS too.
 */
export async function openProbe(url: string, signal: AbortSignal): Promise<Probe> {
  signal.throwIfAborted()
  const client = new pg.Client({
    connectionString: url,
    application_name: 'upbeat-guard',
    connectionTimeoutMillis: ATTEMPT_MS,
    query_timeout: ATTEMPT_MS,
    keepAlive: true,
  })
  let isDestroyed = false
  const destroy = () => {
    isDestroyed = true
    signal.removeEventListener('abort', destroy)
    client.connection.stream.destroy()
  }
  client.on('error', () => {})
  signal.addEventListener('abort', destroy, { once: true })
  try {
    await client.connect()
  } catch (error) {
    destroy()
    throw error
  }
  return {
    ask: async () => void (await client.query('select 1')),
    async hasMigrations(names) {
      try {
        const { rows } = await client.query<{ name: string }>('select name from migration')
        const applied = new Set(rows.map(({ name }) => name))
        return names.every((name) => applied.has(name))
      } catch (error) {
        if ((error as { code?: string }).code === UNDEFINED_TABLE) return false
        throw error
      }
    },
    detach: () => signal.removeEventListener('abort', destroy),
    onEnd: (handler) => void client.once('end', () => isDestroyed || handler()),
    destroy,
  }
}
