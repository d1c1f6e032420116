/** HTTP for edges. */
import { z } from 'zod'
import { FollowedEdge, MediaChanges } from '../../../contract/edge.ts'
import { isEdge } from '../../app/edge-token.ts'
import { NotFoundError } from '../../app/errors.ts'
import { requireOperator, type Routes } from '../../app/http.ts'
import { listMediaChanges } from './edges.service.ts'
import { edgesOf } from './following.ts'

const Query = z.object({ after: z.uuid().optional() })

export const edgeRoutes: Routes = async (app, ctx) => {
  app.get(
    '/edges/changes',
    { schema: { querystring: Query, response: { 200: MediaChanges } } },
    async (request, reply) => {
      // To anybody else it is not here: it names videos that are hidden.
      if (!isEdge(ctx.secrets.media, request.headers.authorization))
        throw new NotFoundError('route', request.url)
      reply.header('cache-control', 'no-store')
      return listMediaChanges(ctx, request.query.after ?? null)
    },
  )

  app.get(
    '/operations/edges',
    { schema: { response: { 200: z.object({ items: z.array(FollowedEdge) }) } } },
    async (request, reply) => {
      requireOperator(request)
      reply.header('cache-control', 'no-store')
      return { items: [...(edgesOf(ctx)?.list() ?? [])] }
    },
  )
}
