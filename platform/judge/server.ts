/**
 * The judge over HTTP, for deployments that Upbeat does not run itself: begin a judgement, post samples or name two addresses of
 * metrics, read the verdict. It listens on this machine alone, and keeps everything in memory.
 */
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  LATENCY_BUCKET_COUNT,
  STAGES,
  type Stage,
  type StageRule,
} from '../../engines/steward/rollout/index.ts'
import { openJudgements, TooManyJudgementsError, type RunningJudgement } from './judgements.ts'

const Count = z.int().min(0)
const PostedSample = z.object({
  atMs: z.number(),
  requests: Count,
  errors: Count,
  timeouts: Count.default(0),
  shed: Count.default(0),
  latencyBuckets: z.array(Count).length(LATENCY_BUCKET_COUNT),
  rssBytes: z.number().min(0).nullable().default(null),
  emptyFeeds: Count.nullable().default(null),
  playbackStarts: Count.nullable().default(null),
  playbackStartFailures: Count.nullable().default(null),
  crashed: z.boolean().default(false),
})

const Begin = z.object({
  metrics: z
    .object({ canary: z.url({ protocol: /^https?$/ }), baseline: z.url({ protocol: /^https?$/ }) })
    .nullable()
    .default(null),
  names: z.object({ requests: z.string(), latency: z.string(), memory: z.string() }).optional(),
  stages: z.array(z.enum(STAGES)).min(1).max(STAGES.length).optional(),
  /** What a stage asks for before the next one begins; left out: as for Upbeat's own releases. */
  rules: z
    .partialRecord(
      z.enum(STAGES),
      z.object({ minMs: z.int().min(0).max(86_400_000), minRequests: z.int().min(0).max(1e9) }),
    )
    .optional(),
  alpha: z.number().min(1e-6).max(0.2).optional(),
})

const BODY_MAX_BYTES = 64 * 1024
/** A page whose name was made to lead to this machine (DNS rebinding) asks by that name. */
const OWN_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]'])
const NOT_THIS_NAME = { code: 'not-this-name', detail: 'Ask for http://127.0.0.1 or http://localhost.' }
const Id = z.object({ id: z.uuid() })

/** Makes the server; `listen` it on an address of this machine. */
export function createJudgeServer(): FastifyInstance {
  const judgements = openJudgements()
  const app = Fastify({ bodyLimit: BODY_MAX_BYTES }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addHook('onClose', async () => judgements[Symbol.dispose]())
  app.addHook('onRequest', async (request, reply) => {
    if (!OWN_NAMES.has(request.hostname)) return reply.code(421).send(NOT_THIS_NAME)
  })

  app.post('/v1/judgements', { schema: { body: Begin } }, async (request, reply) => {
    const { metrics, names, stages, rules, alpha } = request.body
    try {
      const running = judgements.begin({
        metrics,
        ...(names && { names }),
        ...(stages && { stages }),
        ...(rules && { rules: withoutUnset(rules) }),
        ...(alpha !== undefined && { alpha }),
      })
      return await reply.code(201).header('location', `/v1/judgements/${running.id}`).send(describe(running))
    } catch (error) {
      if (!(error instanceof TooManyJudgementsError)) throw error
      return reply.code(429).send({ code: 'too-many-judgements', detail: error.message })
    }
  })
  app.get('/v1/judgements/:id', { schema: { params: Id } }, async (request, reply) => {
    const running = judgements.find(request.params.id)
    return running ? describe(running) : reply.code(404).send(MISSING)
  })
  app.post(
    '/v1/judgements/:id/samples',
    {
      schema: {
        params: Id,
        body: z.object({ canary: PostedSample.nullable(), baseline: PostedSample.nullable() }),
      },
    },
    async (request, reply) => {
      const running = judgements.find(request.params.id)
      if (!running) return reply.code(404).send(MISSING)
      running.observe(request.body)
      return describe(running)
    },
  )
  return app as unknown as FastifyInstance
}

const withoutUnset = (
  rules: Partial<Record<Stage, StageRule | undefined>>,
): Partial<Record<Stage, StageRule>> =>
  Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined))

const MISSING = { code: 'not-found', detail: 'There is no such judgement: begin one by POST /v1/judgements.' }

/** What a deployment has to know: how much the canary should get, and whether it is over. */
const describe = ({ id, stage, last }: RunningJudgement) => ({
  id,
  stage,
  verdict: last?.verdict ?? 'hold',
  reason: last?.reason ?? 'Nothing has been seen yet.',
  evidence: last?.evidence ?? [],
})
