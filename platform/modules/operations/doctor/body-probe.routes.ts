/** HTTP of the doctor: a way to measure what lies in front. */
import { z } from 'zod'
import { inScope } from '../../../../kit/http/fastify-scope.ts'
import { AppError } from '../../../app/errors.ts'
import type { Routes } from '../../../app/http.ts'
import { isProbePermit, PERMIT_HEADER, PROBE_MAX_BYTES } from './body-probe.ts'

/** A probe that stalls for so long is given up. */
const PROBE_STALL_MS = 15_000

const Counted = z.object({
  receivedBytes: z.int(),
  /** Between the first byte of the body and its last; near 0 when something in front had gathered it before. */
  spreadMs: z.number(),
})

/** Mounted beside uploads, so that a proxy treats it as it treats them. */
export const bodyProbeRoutes: Routes = async (app, ctx) => {
  await inScope(app, (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
    scope.put(
      '/uploads/body-probe',
      { config: { hasOwnStallRule: true }, schema: { response: { 200: Counted } } },
      async (request, reply) => {
        // Before a byte of the body is read.
        if (!isProbePermit(ctx.secrets.media, request.headers[PERMIT_HEADER], ctx.clock.now()))
          throw new AppError('not-allowed', { detail: 'The doctor of this instance alone may send this.' })
        let receivedBytes = 0
        let [firstMs, lastMs] = [0, 0]
        for await (const piece of request.raw.setTimeout(PROBE_STALL_MS) as AsyncIterable<Buffer>) {
          lastMs = ctx.clock.monotonicMs()
          if (receivedBytes === 0) firstMs = lastMs
          receivedBytes += piece.length
          if (receivedBytes > PROBE_MAX_BYTES)
            throw new AppError('body-too-large', { facts: { maxBytes: PROBE_MAX_BYTES } })
        }
        reply.header('cache-control', 'no-store')
        return { receivedBytes, spreadMs: lastMs - firstMs }
      },
    )
  })
}
