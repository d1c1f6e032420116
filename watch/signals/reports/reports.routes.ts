/** Reports over HTTP: from pages here, from the platform's app, from programs that prove work. */
import { z } from 'zod'
import { ReportInput } from '../../../contract/watch.ts'
import type { WatchApp } from '../../http/http.ts'
import type { Reports } from './take-report.ts'

export const REPORTER_COOKIE = 'upbeat-reporter'
const COOKIE_MAX_AGE_S = 86_400

/** Any site may carry the form: nothing of the person is read from here. */
const CORS = { 'access-control-allow-origin': '*' }
const PREFLIGHT = {
  ...CORS,
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'content-type',
  'access-control-max-age': '86400',
}

/** Mounts `POST /api/v1/services/:service/reports` and `GET /api/v1/challenge`. */
export function registerReports(app: WatchApp, reports: Reports): void {
  app.options('/api/v1/services/:service/reports', (_request, reply) =>
    reply.headers(PREFLIGHT).code(204).send(),
  )
  app.post(
    '/api/v1/services/:service/reports',
    { schema: { params: z.object({ service: z.string().max(63) }), body: ReportInput } },
    async (request, reply) => {
      reply.headers(CORS)
      const answer = await reports.take({
        serviceId: request.params.service,
        report: request.body,
        address: request.ip,
        cookie: readCookie(request.headers.cookie) ?? '',
        userAgent: String(request.headers['user-agent'] ?? '').slice(0, 300),
      })
      return reply.code(answer.isCounted ? 201 : 200).send(answer)
    },
  )
  app.get('/api/v1/challenge', async (_request, reply) => {
    reply.headers({ ...CORS, 'cache-control': 'no-store' })
    return reports.proofOfWork.challenge()
  })
}

/** For pages with the form: without it all people behind one address count as one. */
export const reporterCookie = (newId: () => string): string =>
  `${REPORTER_COOKIE}=${newId()}${newId()}; Path=/; Max-Age=${COOKIE_MAX_AGE_S}; HttpOnly; SameSite=Lax`

const COOKIE = new RegExp(`(?:^|;\\s*)${REPORTER_COOKIE}=([a-z0-9]{24})(?:;|$)`)

export const readCookie = (header: string | undefined): string | null =>
  header === undefined ? null : (COOKIE.exec(header)?.[1] ?? null)
