/**
 * When an upload became playable and complete, as a page hears of it: by the stream of updates, which costs the product
 * nothing while nothing happens.
 */
import type { Receipt, Update } from '../../contract/index.ts'
import type { Person } from '../../tests/support/browser-upload.ts'

const COMPLETE_TIMEOUT_MS = 10 * 60_000

export interface Milestones {
  /** By `performance.now()`, when this program heard of it. */
  readonly playableAtMs: number
  readonly completeAtMs: number
}

export interface ReceiptStream extends Disposable {
  /** @throws when the upload fails, or takes more than ten minutes. */
  untilComplete(uploadId: string): Promise<Milestones>
}

/** Listens to what becomes of a person's uploads; open it before the first one. */
export async function listenToReceipts(url: string, person: Pick<Person, 'cookie'>): Promise<ReceiptStream> {
  const leaving = new AbortController()
  const response = await fetch(`${url}/api/v1/updates`, {
    headers: { cookie: person.cookie },
    signal: leaving.signal,
  })
  if (!response.ok || !response.body) throw new Error(`/api/v1/updates answered ${response.status}`)
  const heard: { readonly receipt: Receipt; readonly atMs: number }[] = []
  const listeners = new Set<() => void>()
  const reading = readUpdates(response.body, (update) => {
    if (update.kind !== 'receipt') return
    heard.push({ receipt: update.receipt, atMs: performance.now() })
    for (const listener of listeners) listener()
  })
  const broken = reading.then(() => {
    throw new Error('The stream of updates ended.')
  })
  broken.catch(() => {})

  /** Null: neither complete nor failed yet. @throws when it failed */
  function judge(uploadId: string): Milestones | null {
    const own = heard.filter(({ receipt }) => receipt.id === uploadId)
    const failed = own.find(({ receipt }) => receipt.state === 'failed' || receipt.state === 'cancelled')
    if (failed)
      throw new Error(`The upload ${failed.receipt.state}: ${JSON.stringify(failed.receipt.failure)}`)
    const complete = own.find(({ receipt }) => receipt.state === 'complete')
    if (!complete) return null
    const playable = own.find(({ receipt }) => receipt.state === 'playable') ?? complete
    return { playableAtMs: playable.atMs, completeAtMs: complete.atMs }
  }

  return {
    async untilComplete(uploadId) {
      const deadline = AbortSignal.timeout(COMPLETE_TIMEOUT_MS)
      for (;;) {
        const milestones = judge(uploadId)
        if (milestones) return milestones
        deadline.throwIfAborted()
        await Promise.race([nextOf(listeners, deadline), broken])
      }
    },
    [Symbol.dispose]: () => leaving.abort(),
  }
}

function nextOf(listeners: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      listeners.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    listeners.add(done)
    signal.addEventListener('abort', done)
  })
}

/** Events are separated by an empty line; ours have one line of data each. */
async function readUpdates(
  body: ReadableStream<Uint8Array>,
  onUpdate: (update: Update) => void,
): Promise<void> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const data = /^data: (.+)$/m.exec(event)?.[1]
      if (data !== undefined) onUpdate(JSON.parse(data) as Update)
    }
  }
}
