/** The writer's thread as this side has it: started, started anew when it ends by itself, told what to write, asked to end. */
import { Worker } from 'node:worker_threads'
import type { Log } from '../../kit/log.ts'
import { decodeResults, type FromWriter, type ToWriter, type UnitResult } from './protocol.ts'

const RESTART_DELAY_MS = 500

/** The file can't be used: broken, of a newer version, or not ours to write. */
export class StoreUnusableError extends Error {}

export interface WriterThread {
  /** Once it has taken the file. @throws {StoreUnusableError} */
  readonly ready: Promise<void>
  /** False while it starts: what is written then waits. */
  isListening(): boolean
  post(message: ToWriter): void
  /** Asks it to end after what it was told, and waits for that. Idempotent. */
  close(): Promise<void>
}

export interface WriterThreadEvents {
  readonly onListening: () => void
  readonly onResults: (results: readonly UnitResult[]) => void
  /** What it was told and did not answer is undecided, and a new one knows no SQL yet. */
  readonly onEnded: () => void
}

/** Starts it. */
export function startWriterThread(
  { path, log }: { readonly path: string; readonly log: Log },
  events: WriterThreadEvents,
): WriterThread {
  const ready = Promise.withResolvers<void>()
  let closing: PromiseWithResolvers<void> | null = null
  let isListening = false
  let worker = spawn()

  function spawn(): Worker {
    const spawned = new Worker(new URL('./writer.ts', import.meta.url), { workerData: { path } })
    spawned.on('message', take)
    spawned.on('error', (error) => log.error({ err: error }, 'store.writer-failed'))
    spawned.on('exit', restart)
    return spawned
  }

  function take(message: FromWriter): void {
    if (message.type === 'ready') {
      isListening = true
      ready.resolve()
      events.onListening()
    } else if (message.type === 'refused')
      ready.reject(
        new StoreUnusableError(
          `${path} can not be used: ${message.message}. Give the watch another --data folder, or move this file away.`,
        ),
      )
    else events.onResults(decodeResults(message))
  }

  function restart(): void {
    isListening = false
    ready.reject(new StoreUnusableError(`The thread that writes to ${path} ended before it was ready.`))
    events.onEnded()
    if (closing) return closing.resolve()
    setTimeout(() => {
      if (closing) closing.resolve()
      else worker = spawn()
    }, RESTART_DELAY_MS)
  }

  return {
    ready: ready.promise,
    isListening: () => isListening,
    post: (message) => worker.postMessage(message),
    close() {
      if (closing) return closing.promise
      closing = Promise.withResolvers<void>()
      worker.postMessage({ type: 'close' } satisfies ToWriter)
      return closing.promise
    },
  }
}
