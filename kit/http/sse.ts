/**
 * Server-sent events (HTML Living Standard, 9.2) on a plain Node response, with a bound on what a slow reader makes us
 * keep in memory.
 */
import type { ServerResponse } from 'node:http'

export interface SseEvent {
  /** One line of text. A browser sends the last one back when it reconnects (`Last-Event-ID`). */
  readonly id?: string
  /** @default the browser's: `message` */
  readonly event?: string
  readonly data: string
}

export interface SseStream {
  /** False when the stream is over: the event was not sent. */
  send(event: SseEvent): boolean
  /** Sends a comment, which proxies and dead connections notice and browsers do not. */
  beat(): void
  /** Ends the stream after a last event, if any. Idempotent. */
  end(last?: SseEvent): void
  readonly isOpen: boolean
}

export interface SseOptions {
  readonly headers?: Readonly<Record<string, number | string | string[] | undefined>>
  /** How long the browser waits before it reconnects. */
  readonly retryMs: number
  /** A reader that is further behind than this is dropped; one turn of the event loop must not send as much. @default 131072 */
  readonly maxBufferedBytes?: number
  /** Called once when the stream is over, whoever ended it. */
  readonly onClose: (reason: SseCloseReason) => void
}

/** `left`: the reader went; `ended`: we ended it; `slow`: the reader was too far behind. */
export type SseCloseReason = 'left' | 'ended' | 'slow'

const DEFAULT_MAX_BUFFERED_BYTES = 128 * 1024
/** A dropped reader gets this long to take what is still buffered. */
const LINGER_MS = 5_000

/** Answers with an event stream. The response is the stream's from here on. */
export function openSseStream(response: ServerResponse, options: SseOptions): SseStream {
  const { maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES, onClose } = options
  let isOpen = true

  function close(reason: SseCloseReason): void {
    if (!isOpen) return
    isOpen = false
    onClose(reason)
  }

  function finish(reason: SseCloseReason, last?: SseEvent): void {
    if (!isOpen) return
    close(reason)
    response.end(last && formatSseEvent(last))
    setTimeout(() => response.destroy(), LINGER_MS).unref()
  }

  function write(text: string): boolean {
    if (!isOpen) return false
    if (response.writableLength > maxBufferedBytes) {
      finish('slow', { event: 'dropped', data: JSON.stringify({ reason: 'slow' }) })
      return false
    }
    response.write(text)
    return true
  }

  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (value !== undefined) response.setHeader(name, value)
  response.setHeader('content-type', 'text/event-stream; charset=utf-8')
  response.setHeader('cache-control', 'no-store, no-transform')
  // nginx would hold events back until its buffer is full.
  response.setHeader('x-accel-buffering', 'no')
  response.on('close', () => close('left'))
  response.on('error', () => close('left'))
  response.writeHead(200)
  response.write(`retry: ${options.retryMs}\n\n`)

  return {
    send: (event) => write(formatSseEvent(event)),
    beat: () => void write(':\n\n'),
    end: (last) => finish('ended', last),
    get isOpen() {
      return isOpen
    },
  }
}

/** One event as it goes over the wire; line ends within `data` make several `data:` lines, as the standard says. */
export function formatSseEvent({ id, event, data }: SseEvent): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`)
  return `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}${lines.join('')}\n`
}
