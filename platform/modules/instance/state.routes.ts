/** HTTP of what works at this moment: asks nothing of any dependency. */
import { Restoration } from '../../../contract/operations.ts'
import { ServiceState, type TakenBack } from '../../../contract/state.ts'
import { restorationOf } from '../../app/steward/index.ts'
import { edgesOf } from '../edges/index.ts'
import { regionsOf } from '../regions/index.ts'
import type { Routes } from '../../app/http.ts'

/** The same for everybody, and never from a cache. */
export const stateRoutes: Routes = (app, ctx) => {
  app.get('/state', { schema: { response: { 200: ServiceState } } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    const { state } = ctx.steward
    return {
      ...state,
      takenBack: newer(state.takenBack, edgesOf(ctx)?.takenBack() ?? null),
      regions: [...(regionsOf(ctx)?.statuses ?? [])],
    }
  })

  app.get('/state/restoration', { schema: { response: { 200: Restoration } } }, async (_request, reply) => {
    reply.header('cache-control', 'no-store')
    return restorationOf(ctx)
  })
}

const newer = (one: TakenBack | null, other: TakenBack | null): TakenBack | null =>
  one && other ? (one.at > other.at ? one : other) : (one ?? other)
