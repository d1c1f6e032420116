/**
 * The answer to a connection that nobody takes, written by hand: nobody who speaks HTTP is alive to do it. A person who
 * opens the app gets a page, a program a problem.
 */
import type { Socket } from 'node:net'
import type { Problem } from '../../contract/problem.ts'
import { toProblemBody } from '../../kit/http/problem-details.ts'
import { AppError } from '../app/errors.ts'
import { watchPageUrlFor } from '../app/watch-address.ts'
import { renderWaitingPage } from './waiting-page.ts'

export interface RefusalOptions {
  readonly instanceName: string
  /** The watch's address; null or left out: none is known. */
  readonly watchUrl?: string | null
  /** How long the head of a request may take to come. @default 500 */
  readonly maxHeadWaitMs?: number
}

const RETRY_AFTER_S = 5
/** How long a refused client may take to read its answer. */
const FAREWELL_MS = 2_000
/** As much as Node's own server reads. */
const HEAD_MAX_BYTES = 16_384

/** Answers 503 and hangs up. Resolves once the answer is on its way; never rejects. */
export async function refuseConnection(
  connection: Socket,
  detail: string,
  options: RefusalOptions,
): Promise<void> {
  const head = await readHead(connection, options.maxHeadWaitMs ?? 500)
  const { fields, body } = isNavigation(head) ? pageFor(head, detail, options) : problemOf(detail)
  connection.end(
    [
      'HTTP/1.1 503 Service Unavailable',
      ...fields,
      `content-length: ${Buffer.byteLength(body)}`,
      `retry-after: ${RETRY_AFTER_S}`,
      'cache-control: no-store',
      'vary: accept',
      'connection: close',
      '',
      head.startsWith('HEAD ') ? '' : body,
    ].join('\r\n'),
  )
  setTimeout(() => connection.destroy(), FAREWELL_MS).unref()
}

/**
 * The request's line and fields, as text; empty when they are not all there in time. What follows is read and dropped:
 * the kernel would answer the unread rest with a reset, which would take our answer from the client's buffer.
 */
function readHead(connection: Socket, maxWaitMs: number): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const end = (head: string) => {
      clearTimeout(timer)
      connection.off('data', read)
      connection.resume()
      resolve(head)
    }
    const read = (part: Buffer) => {
      heard += part.toString('latin1')
      const length = heard.indexOf('\r\n\r\n')
      if (length >= 0 && length <= HEAD_MAX_BYTES) end(heard.slice(0, length))
      else if (heard.length > HEAD_MAX_BYTES) end('')
    }
    const timer = setTimeout(() => end(''), maxWaitMs)
    connection.once('close', () => end(''))
    connection.on('data', read)
    connection.resume()
  })
}

const fieldOf = (head: string, name: string): string =>
  new RegExp(`\\r\\n${name}:([^\\r\\n]*)`, 'i').exec(head)?.[1]?.trim() ?? ''

const isNavigation = (head: string): boolean =>
  /^(?:GET|HEAD) /.test(head) && /\btext\/html\b/i.test(fieldOf(head, 'accept'))

function pageFor(head: string, detail: string, { instanceName, watchUrl = null }: RefusalOptions) {
  const host = `http://${fieldOf(head, 'host')}`
  const hostname = URL.canParse(host) ? new URL(host).hostname : 'localhost'
  const { html, policy } = renderWaitingPage({
    instanceName,
    detail,
    watchPageUrl: watchPageUrlFor(watchUrl, hostname),
    retryAfterS: RETRY_AFTER_S,
  })
  return {
    fields: ['content-type: text/html; charset=utf-8', `content-security-policy: ${policy}`],
    body: html,
  }
}

function problemOf(detail: string) {
  const problem: Problem = toProblemBody(new AppError('busy', { detail, retryAfterS: RETRY_AFTER_S }))
  return { fields: ['content-type: application/problem+json'], body: JSON.stringify(problem) }
}
