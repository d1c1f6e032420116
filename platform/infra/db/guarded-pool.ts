/**
 * A pool behind a door: connections go to the most important first, as many at once as PostgreSQL takes well; a statement
 * that is made for one request alone is cancelled when nobody waits for its answer any more.
 */
import { connect, type Socket } from 'node:net'
import type pg from 'pg'
import { currentScope, enterDoor, type Door, type Scope } from '../../../kit/admission/index.ts'

type Callback = (error: Error | undefined, client: pg.PoolClient | undefined, done: Release) => void
type Release = (error?: Error | boolean) => void

/** PostgreSQL's protocol, 54.2.9: a connection of its own, this code, and the secret of the session. */
const CANCEL_REQUEST_CODE = 80_877_102
const CANCEL_TIMEOUT_MS = 1_000

/** What a connection knows of its session; pg's types leave it out. */
interface Session {
  readonly processID: number | null
  readonly secretKey: number | null
  readonly host: string
  readonly port: number
}

/** Makes every way to a connection of the pool lead through the door. */
export function guardPool(pool: pg.Pool, door: Door): void {
  const connectToPool = pool.connect.bind(pool) as (callback: Callback) => void
  const guarded = (callback: Callback): void => {
    const scope = currentScope()
    enterDoor(
      door,
      (refused, leave) => {
        if (refused) return callback(refused, undefined, () => {})
        connectToPool((error, client, done) => {
          if (error || !client) {
            leave()
            return callback(error, client, done)
          }
          callback(undefined, client, guardRelease(client, scope, leave))
        })
      },
      scope,
    )
  }
  // pg's own `pool.query` goes by `pool.connect` too.
  pool.connect = ((callback?: Callback) => {
    if (callback) return guarded(callback)
    return new Promise((resolve, reject) => {
      guarded((error, client) => (client ? resolve(client) : reject(error ?? new Error('no connection'))))
    })
  }) as pg.Pool['connect']
}

/** The pool makes a new `release` at each check-out; ours leaves the door and then calls it. */
function guardRelease(client: pg.PoolClient, scope: Scope | null, leave: () => void): Release {
  const release = client.release.bind(client) as Release
  const cancelling = scope?.isOwnWork ? cancelWhenGone(client, scope.signal) : null
  const guarded: Release = (error) => {
    leave()
    const cancelled = cancelling?.stop() ?? null
    // Whoever gets the session next must not be hit by a cancel that is still on its way.
    if (cancelled) void cancelled.finally(() => release(error))
    else release(error)
  }
  client.release = guarded
  return guarded
}

function cancelWhenGone(client: pg.PoolClient, signal: AbortSignal) {
  let sent: Promise<void> | null = null
  const cancel = () => {
    sent = sendCancel(client as unknown as Session)
  }
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
  return {
    /** Settles once a cancel that was sent has arrived; null: none was. */
    stop(): Promise<void> | null {
      signal.removeEventListener('abort', cancel)
      return sent
    },
  }
}

/** PostgreSQL closes the connection when it has passed the cancel on. A cancel that fails leaves the statement running. */
function sendCancel({ processID, secretKey, host, port }: Session): Promise<void> {
  if (processID === null || secretKey === null) return Promise.resolve()
  const message = Buffer.alloc(16)
  message.writeInt32BE(16, 0)
  message.writeInt32BE(CANCEL_REQUEST_CODE, 4)
  message.writeInt32BE(processID, 8)
  message.writeInt32BE(secretKey, 12)
  return new Promise((resolve) => {
    const socket: Socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    socket.setTimeout(CANCEL_TIMEOUT_MS, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.end(message)
    socket.resume()
  })
}
