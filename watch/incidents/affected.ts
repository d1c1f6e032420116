/** Which components an update is about, with what they were and are. */
import type { ComponentStatus } from '../../contract/watch.ts'
import type { WatchCtx } from '../app/context.ts'
import { componentId } from '../app/ids.ts'
import type { UpdateView } from './views.ts'

/** @param before by feature; one that is missing had what it has. */
export function componentsAffected(
  ctx: WatchCtx,
  serviceId: string,
  featureIds: readonly string[],
  before: ReadonlyMap<string, ComponentStatus>,
): UpdateView['affected'] {
  const entry = ctx.catalog.find(serviceId)
  const now = ctx.live.components(serviceId)
  const wanted = new Set(featureIds)
  return (entry?.features ?? [])
    .filter(({ id }) => wanted.has(id))
    .map(({ id, name }) => {
      const newStatus = now.get(id)?.status ?? 'operational'
      return { code: componentId(serviceId, id), name, oldStatus: before.get(id) ?? newStatus, newStatus }
    })
}
