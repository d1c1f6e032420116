/** Pages over HTTP: their headers, and forms as they are sent without scripts. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WatchApp } from '../http/http.ts'
import { contentSecurityPolicy } from './theme.ts'

export interface SendOptions {
  /** @default 200 */
  readonly status?: number
  /** For how long a cache may keep it; 0: pages that belong to one person. @default 5 */
  readonly maxAgeS?: number
  /** Further origins that the page's script may ask. */
  readonly connect?: readonly string[]
}

const STALE_IF_ERROR_S = 3600

/** Sends a page with its policy. A cache in front may show it for an hour once the watch does not answer. */
export function sendPage(reply: FastifyReply, page: string, options: SendOptions = {}): FastifyReply {
  const { status = 200, maxAgeS = 5, connect = [] } = options
  return reply
    .code(status)
    .header('content-security-policy', contentSecurityPolicy(connect))
    .header('x-frame-options', 'DENY')
    .header(
      'cache-control',
      maxAgeS === 0 ? 'no-store' : `public, max-age=${maxAgeS}, stale-if-error=${STALE_IF_ERROR_S}`,
    )
    .type('text/html; charset=utf-8')
    .send(page)
}

const FORM_MAX_BYTES = 32 * 1024

/** Lets this scope take forms; a field that is given several times is a list. */
export function acceptForms(app: WatchApp): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_MAX_BYTES },
    (_request, body, done) => done(null, new URLSearchParams(String(body))),
  )
}

/** The form that was sent; empty when the body was none. */
export const formOf = (request: FastifyRequest): URLSearchParams =>
  request.body instanceof URLSearchParams ? request.body : new URLSearchParams()

/** A field of a form without white space around it; null when it is missing or empty. */
export function fieldOf(form: URLSearchParams, name: string, maxLength = 200): string | null {
  const value = form.get(name)?.trim().slice(0, maxLength)
  return value ? value : null
}
