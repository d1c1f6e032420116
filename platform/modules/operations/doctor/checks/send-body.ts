/** Sending a body of a given size, and finding out the largest that comes through. */
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const PIECE = Buffer.alloc(256 * 1024)
const ANSWER_MAX_BYTES = 64 * 1024
/** Without any progress. */
const STALL_MS = 20_000

const Counted = z.object({ receivedBytes: z.number(), spreadMs: z.number() })

export type Sent =
  | {
      readonly outcome: 'answered'
      readonly status: number
      readonly server: string | null
      readonly location: string | null
      /** What the instance counted; null: somebody else has answered. */
      readonly counted: z.infer<typeof Counted> | null
    }
  | { readonly outcome: 'failed'; readonly code: string; readonly why: string }

/** Sends zeros; an answer that comes before the end of the body counts. Never throws but for the signal. */
export async function sendBody(
  url: URL,
  options: {
    readonly sizeBytes: number
    /** Between the halves. */
    readonly pauseMs: number
    readonly headers: Readonly<Record<string, string>>
    readonly signal: AbortSignal
  },
): Promise<Sent> {
  const { sizeBytes, pauseMs, headers, signal } = options
  const open = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = open(url, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/offset+octet-stream', 'content-length': sizeBytes },
    agent: false,
    signal,
  })
  request.setTimeout(STALL_MS, () => request.destroy(new Error('No answer came.')))
  const answered = new Promise<Sent>((resolve) => {
    request.once('response', (response) => void readAnswer(response).then(resolve))
    request.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ outcome: 'failed', code: error.code ?? 'unknown', why: error.message }),
    )
  })
  let isOver = false
  void answered.then(() => (isOver = true))
  const write = async (bytes: number) => {
    for (let left = bytes; left > 0 && !isOver; left -= PIECE.length)
      if (!request.write(PIECE.subarray(0, Math.min(left, PIECE.length))))
        await Promise.race([new Promise((resolve) => request.once('drain', resolve)), answered])
  }
  const half = Math.floor(sizeBytes / 2)
  await write(half)
  if (pauseMs > 0) await sleep(pauseMs, undefined, { signal })
  await write(sizeBytes - half)
  if (!isOver) request.end()
  const sent = await answered
  request.destroy()
  signal.throwIfAborted()
  return sent
}

async function readAnswer(response: IncomingMessage): Promise<Sent> {
  let text = ''
  try {
    for await (const piece of response.setEncoding('utf8')) {
      text += piece
      if (text.length > ANSWER_MAX_BYTES) break
    }
  } catch {
    // It was cut off after its head, which says enough.
  }
  let counted: z.infer<typeof Counted> | null = null
  try {
    counted = Counted.parse(JSON.parse(text))
  } catch {
    // Somebody else's page.
  }
  const { server, location } = response.headers
  return {
    outcome: 'answered',
    status: response.statusCode ?? 0,
    server: typeof server === 'string' ? server : null,
    location: location ?? null,
    counted,
  }
}

export interface BodyLimit {
  /** The largest that came through; null: the whole of what was tried. */
  readonly limitBytes: number | null
  readonly refusedBy: string
}

/** Precise enough to be recognised as somebody's round number. */
const GRAIN_BYTES = 16 * 1024

/** Tries the whole, then halves the range until the limit is known to within GRAIN_BYTES. */
export async function findBodyLimit(
  wholeBytes: number,
  send: (sizeBytes: number) => Promise<Sent>,
): Promise<BodyLimit> {
  const passes = (sent: Sent, sizeBytes: number) =>
    sent.outcome === 'answered' && sent.status === 200 && sent.counted?.receivedBytes === sizeBytes
  const whole = await send(wholeBytes)
  if (passes(whole, wholeBytes)) return { limitBytes: null, refusedBy: '' }
  let [low, high] = [0, wholeBytes]
  let refused = whole
  while (high - low > GRAIN_BYTES) {
    const middle = Math.floor((low + high) / 2)
    const sent = await send(middle)
    if (passes(sent, middle)) low = middle
    else {
      high = middle
      refused = sent
    }
  }
  return {
    limitBytes: low,
    refusedBy:
      refused.outcome === 'failed'
        ? `the connection was cut: ${refused.why}`
        : `${refused.status}${refused.server ? ` by ${refused.server}` : ''}`,
  }
}
