/** Errors as Fastify answers them: problem details, and the names of what Fastify itself and the schemas refuse. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { toProblemBody, type CodedError, type ProblemDetails } from './problem-details.ts'
import { UnfitInputError } from './read-input.ts'

/** Codes that every table has to have for what is refused before a route is reached. */
export type RefusalCode = 'invalid-input' | 'body-too-large' | 'unsupported-media-type'

export interface Refusal {
  readonly code: RefusalCode
  readonly details: ProblemDetails
}

/** Answers with the error as problem details, never cached, with `Retry-After` where a time is known. */
export function sendProblem(
  error: CodedError<string>,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const problem = toProblemBody(error, request.id)
  if (problem.retryAfterS !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfterS))
  reply.header('cache-control', 'no-store')
  return reply.code(problem.status).type('application/problem+json').serializer(JSON.stringify).send(problem)
}

/** Why a schema or Fastify refused the request; null: neither did. */
export function refusalOf(error: unknown): Refusal | null {
  if (error instanceof UnfitInputError)
    return { code: 'invalid-input', details: { detail: error.message, fields: { ...error.fields } } }
  const { code, statusCode, message } = error as FastifyError
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'body-too-large', details: {} }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return { code: 'unsupported-media-type', details: {} }
  if (statusCode !== undefined && statusCode < 500)
    return { code: 'invalid-input', details: { detail: message } }
  return null
}
