/** HTTP of the operator's desk, which stands in the supervisor: what it knows, and orders for it. */
import { z } from 'zod'
import {
  AuditEntry,
  OperationsHistory,
  OperationsState,
  OperatorOrder,
  OrderAnswer,
} from '../../../contract/operations.ts'
import { ReleasesState } from '../../../contract/releases.ts'
import type { Ctx } from '../../app/context.ts'
import { AppError } from '../../app/errors.ts'
import { requireOperator, type Routes } from '../../app/http.ts'
import type { SupervisorLink } from '../../app/supervisor-link.ts'

const AUDIT_MAX = 200

/** For the operator alone. None of them asks the database. */
export const ordersRoutes: Routes = (app, ctx) => {
  app.get('/operations/state', { schema: { response: { 200: OperationsState } } }, (request, reply) => {
    requireOperator(request)
    reply.header('cache-control', 'no-store')
    return ask(ctx, (desk) => desk.state())
  })
  app.get(
    '/operations/history',
    {
      schema: {
        querystring: z.object({ after: z.coerce.number().min(0).default(0) }),
        response: { 200: OperationsHistory },
      },
    },
    (request, reply) => {
      requireOperator(request)
      reply.header('cache-control', 'no-store')
      return ask(ctx, (desk) => desk.history(request.query.after))
    },
  )
  app.get(
    '/operations/audit',
    {
      schema: {
        querystring: z.object({ limit: z.coerce.number().int().min(1).max(AUDIT_MAX).default(50) }),
        response: { 200: z.object({ items: z.array(AuditEntry) }) },
      },
    },
    async (request, reply) => {
      requireOperator(request)
      reply.header('cache-control', 'no-store')
      return { items: await ask(ctx, (desk) => desk.audit(request.query.limit)) }
    },
  )
  app.get('/operations/releases', { schema: { response: { 200: ReleasesState } } }, (request, reply) => {
    requireOperator(request)
    reply.header('cache-control', 'no-store')
    return ask(ctx, (desk) => desk.releases())
  })

  app.post(
    '/operations/orders',
    { schema: { body: OperatorOrder, response: { 200: OrderAnswer } } },
    async (request) => {
      const operator = requireOperator(request)
      // A session that nobody could look up may have been ended: it is good for watching, not for orders.
      if (operator.isUnchecked) throw new AppError('session-not-checked')
      const { id: accountId, handle } = operator
      const answer = await ask(ctx, (desk) =>
        desk.give(request.body, { kind: 'operator', accountId, handle }),
      )
      if (answer.outcome.state === 'refused')
        throw new AppError('order-refused', { detail: answer.outcome.detail })
      return answer
    },
  )
}

async function ask<T>({ supervisor }: Ctx, question: (desk: SupervisorLink) => Promise<T>): Promise<T> {
  if (!supervisor)
    throw new AppError('no-supervisor', { detail: 'This process runs on its own, without one.' })
  try {
    return await question(supervisor)
  } catch (error) {
    throw new AppError('no-supervisor', { detail: (error as Error).message, retryAfterS: 2, cause: error })
  }
}
