/** HTTP of regions: asks nothing of any dependency. */
import { z } from 'zod'
import { RegionStatus } from '../../../contract/state.ts'
import type { Routes } from '../../app/http.ts'
import { regionsOf } from './regions.service.ts'

/** The same for everybody, and never from a cache. */
export const regionRoutes: Routes = (app, ctx) => {
  app.get(
    '/regions',
    { schema: { response: { 200: z.object({ items: z.array(RegionStatus) }) } } },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store').header('access-control-allow-origin', '*')
      return { items: [...(regionsOf(ctx)?.statuses ?? [])] }
    },
  )
}
