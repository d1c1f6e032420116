/** Maintenance that a service announces of itself: shown as any other window, and gone when the service no longer speaks of it. */
import { nameOfActor, WATCH } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import { isRace } from '../store/index.ts'
import { countMaintenances, findMaintenance, listOpenMaintenances } from './maintenance-records.ts'
import { isWordOfTheClock, moveMaintenance, recordMaintenance } from './maintenance-verbs.ts'
import type { MaintenanceStatus, MaintenanceView } from './views.ts'

/** As the service says it now. */
export interface Announcement {
  readonly id: string
  readonly status: Exclude<MaintenanceStatus, 'completed'>
  readonly startsAtMs: number
  readonly endsAtMs: number
  readonly text: string
}

const TITLE = 'Maintenance'
const OVER = 'The service says that the maintenance is over.'
const DAY_MS = 24 * 3_600_000
/** What a service says is shown and mailed: however often it changes its mind, nobody is flooded, and neither is our disk. */
export const WINDOWS_A_DAY_MAX = 20
export const MOVES_MAX = 50

/**
 * Keeps what a service says of its maintenance. Idempotent. A window that does not fit ours is left out, with a line in the
 * log; one that the watch has called over is not begun again.
 *
 * @param announcement null: it speaks of none
 */
export async function heedAnnouncement(
  ctx: WatchCtx,
  serviceId: string,
  announcement: Announcement | null,
): Promise<void> {
  // An id of the service's own choosing must not be another service's.
  const prefix = `${serviceId}.`
  const id = announcement && `${prefix}${announcement.id}`
  try {
    for (const open of listOpenMaintenances(ctx.store))
      if (open.serviceId === serviceId && open.id.startsWith(prefix) && open.id !== id)
        await moveMaintenance(ctx, open, 'completed', OVER, WATCH)
    if (announcement && id) await keep(ctx, serviceId, id, announcement)
  } catch (error) {
    if (error instanceof WatchError)
      ctx.log.warn({ service: serviceId, err: error }, 'word.maintenance-does-not-fit')
    else if (!isRace(error)) throw error
  }
}

async function keep(ctx: WatchCtx, serviceId: string, id: string, said: Announcement): Promise<void> {
  const known = findMaintenance(ctx.store, id)
  if (!known) {
    const entry = ctx.catalog.find(serviceId)
    if (!entry) return
    const sinceMs = ctx.clock.now().getTime() - DAY_MS
    if (countMaintenances(ctx.store, { prefix: `${serviceId}.`, sinceMs }) >= WINDOWS_A_DAY_MAX)
      throw new WatchError('invalid-input', {
        detail: `A service announces at most ${WINDOWS_A_DAY_MAX} windows a day.`,
      })
    await recordMaintenance(ctx, id, said.status, {
      actor: WATCH,
      serviceId,
      title: TITLE,
      body: said.text,
      featureIds: entry.features.map((feature) => feature.id),
      regions: entry.regions.map((region) => region.id),
      scheduledForMs: said.startsAtMs,
      scheduledUntilMs: said.endsAtMs,
    })
  } else if (isNews(known, said.status) && known.updates.length < MOVES_MAX)
    await moveMaintenance(ctx, known, said.status, said.text, WATCH)
}

/** What it has said already is no news: the clock, or an operator of ours, may have moved the window on since. */
function isNews({ status, updates }: MaintenanceView, said: Announcement['status']): boolean {
  if (status === said || status === 'completed') return false
  const heard = updates.find(({ author, body }) => author === nameOfActor(WATCH) && !isWordOfTheClock(body))
  return heard?.status !== said
}
