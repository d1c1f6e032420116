/** Which web app asks: one that is older than this server serves is told to refresh, and loses nothing by it. */
import type { FastifyRequest } from 'fastify'
import { CLIENT_GENERATION, CLIENT_HEADER } from '../../contract/client.ts'
import type { Config } from './config.ts'
import { AppError } from './errors.ts'
import type { App } from './http.ts'

export interface Client {
  readonly generation: number
  /** The name of its build; null: it told none. */
  readonly build: string | null
}

const FORM = /^web\/(\d{1,6}) ([\w.-]{1,64})$/
/** From before builds were named. */
const UNNAMED: Client = { generation: 0, build: null }
/** Asked by any client: how to know that one is too old, and how the service fares. */
const FOR_ALL = /\/(?:instance|state|problems|updates)(?:[/?]|$)/
/** The protocol of uploads has a version of its own; refreshing in the middle of one would only make it longer. */
const UPLOAD = /\/uploads(?:[/?]|$)/

/**
 * The web app that a request comes from; null: from no web app, but from a program, which reads the API's description.
 * A browser's page says by `Sec-Fetch-Site` (W3C Fetch Metadata) that it is ours.
 */
export function clientOf(headers: FastifyRequest['headers']): Client | null {
  const named = FORM.exec(String(headers[CLIENT_HEADER] ?? ''))
  if (named) return { generation: Number(named[1]), build: named[2]! }
  return headers['sec-fetch-site'] === 'same-origin' ? UNNAMED : null
}

/** Refuses web apps of a generation that is no longer served, before anything is looked up for them. */
export function openClientGate(app: App, config: Pick<Config, 'oldestClient'>): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const client = clientOf(request.headers)
    if (client === null || client.generation >= config.oldestClient || isServedToAll(client, request)) done()
    else
      done(
        new AppError('client-too-old', {
          detail:
            `It is of generation ${client.generation}; this server serves ` +
            `${config.oldestClient} to ${CLIENT_GENERATION}.`,
          facts: { generation: client.generation, oldest: config.oldestClient, build: client.build },
        }),
      )
  })
}

function isServedToAll(client: Client, request: FastifyRequest): boolean {
  if (FOR_ALL.test(request.url) || UPLOAD.test(request.url)) return true
  // Apps from before builds were named know no such refusal, and would drop what waits in their outbox.
  return client.build === null && request.method !== 'GET'
}
