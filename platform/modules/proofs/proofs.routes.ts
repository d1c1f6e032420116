/** HTTP of proofs of work (ALTCHA, altcha.org): a challenge, and the pass that its solution is good for. */
import { createHmac } from 'node:crypto'
import { ProofChallenge, ProofSolution } from '../../../contract/proofs.ts'
import { networkOf } from '../../../kit/network/network-of.ts'
import { createProofOfWork } from '../../../kit/proof-of-work.ts'
import { createRateSketch } from '../../../kit/bounded/rate-sketch.ts'
import { givePass } from '../../app/abuse/index.ts'
import { AppError } from '../../app/errors.ts'
import type { Routes } from '../../app/http.ts'
import { takeOrRefuse } from '../../app/rate-limit.ts'

/** Half a second of a phone's time as a rule; who sends from 5,000 addresses pays it 625 times in half an hour. */
const MAX_NUMBER = 100_000
/** Making and checking one costs us some tenths of a millisecond. */
const PER_MINUTE = 20
const MINUTE_MS = 60_000
const COLUMNS = 16_384

/** Always there, so that what was begun under pressure can be ended after it. */
export const proofRoutes: Routes = (app, ctx) => {
  const hmacKey = createHmac('sha256', ctx.secrets.session).update('proof of work').digest('hex')
  const proofs = createProofOfWork({ clock: ctx.clock, maxNumber: MAX_NUMBER, hmacKey })
  const bucket = createRateSketch({
    ...{ burst: PER_MINUTE, refillMs: MINUTE_MS, columns: COLUMNS, clock: ctx.clock },
    seed: ctx.randomBytes(4).readUInt32LE(),
  })

  app.get('/proof', { schema: { response: { 200: ProofChallenge } } }, async (request, reply) => {
    takeOrRefuse(bucket, networkOf(request.ip), reply)
    reply.header('cache-control', 'no-store')
    const { algorithm, challenge, salt, signature } = await proofs.challenge()
    return { algorithm, challenge, maxNumber: MAX_NUMBER, salt, signature }
  })

  app.post('/proof', { schema: { body: ProofSolution } }, async (request, reply) => {
    takeOrRefuse(bucket, networkOf(request.ip), reply)
    if (!(await proofs.accept(request.body.solution)))
      throw new AppError('invalid-input', {
        detail: 'This is no solution of a challenge of ours, or it was used before, or it is too old.',
        next: 'Ask for a new challenge and solve that one.',
      })
    givePass(ctx, request, reply, 'pass')
    return reply.code(204).send(null)
  })
}
