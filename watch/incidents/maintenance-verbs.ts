/** Maintenance windows: announced, in progress, verified, done. */
import { nameOfActor, requireOperator, WATCH, type Actor } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import { isRace } from '../store/index.ts'
import { auditStatement } from './audit.ts'
import {
  changeMaintenance,
  findMaintenance,
  insertMaintenance,
  insertMaintenanceUpdate,
  listAllMaintenances,
  listOpenMaintenances,
  type MaintenanceUpdate,
} from './maintenance-records.ts'
import type { ScheduleMaintenanceInput, UpdateMaintenanceInput } from './verbs.ts'
import type { MaintenanceStatus, MaintenanceView } from './views.ts'

const TEXT_MAX_LENGTH = 10_000
const WINDOW_MAX_MS = 30 * 24 * 3_600_000
/** After the window's end the operator verifies; if nobody says that it is done, it ends by itself. */
const VERIFYING_MAX_MS = 30 * 60_000

/** Announces a window. @throws {WatchError} not-allowed, not-found, invalid-input */
export async function scheduleMaintenance(
  ctx: WatchCtx,
  input: ScheduleMaintenanceInput,
): Promise<MaintenanceView> {
  requireOperator(input.actor, 'responder')
  const entry = ctx.catalog.find(input.serviceId)
  if (!entry) throw notFound('service', input.serviceId)
  for (const id of input.featureIds)
    if (!entry.features.some((feature) => feature.id === id)) throw invalid(`There is no feature ${id}.`)
  for (const id of input.regions)
    if (!entry.regions.some((region) => region.id === id)) throw invalid(`There is no region ${id}.`)
  return recordMaintenance(ctx, ctx.newId(), 'scheduled', input)
}

/** Puts a window of this id down. @throws {WatchError} invalid-input */
export async function recordMaintenance(
  ctx: WatchCtx,
  id: string,
  status: MaintenanceStatus,
  input: ScheduleMaintenanceInput,
): Promise<MaintenanceView> {
  checkWindow(input)
  const nowMs = ctx.clock.now().getTime()
  const { actor, ...rest } = input
  const view = {
    ...rest,
    id,
    status,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    completedAtMs: null,
  }
  const update = makeUpdate(ctx, actor, status, input.body)
  await ctx.store.write([
    insertMaintenance(view),
    insertMaintenanceUpdate(view.id, update),
    auditStatement(ctx, { actor, action: 'schedule-maintenance', subject: view.id }),
  ])
  return tell(ctx, view.id)
}

/** Moves a window on, or says more about it. A window that is completed stays so. */
export async function updateMaintenance(
  ctx: WatchCtx,
  input: UpdateMaintenanceInput,
): Promise<MaintenanceView> {
  requireOperator(input.actor, 'responder')
  const before = findMaintenance(ctx.store, input.maintenanceId)
  if (!before) throw notFound('maintenance', input.maintenanceId)
  if (before.status === 'completed') throw invalid('This window is completed; announce another one.')
  const body = input.body.trim()
  if (body.length > TEXT_MAX_LENGTH) throw invalid(`The text takes at most ${TEXT_MAX_LENGTH} characters.`)
  return moveMaintenance(ctx, before, input.status, body || BODIES[input.status], input.actor)
}

/** All of a service, the latest first. */
export const listMaintenances = (
  ctx: WatchCtx,
  input: { readonly serviceId: string; readonly limit?: number },
): MaintenanceView[] => listAllMaintenances(ctx.store, input.serviceId, Math.min(input.limit ?? 50, 500))

/** Null when there is none. */
export const maintenanceById = (ctx: WatchCtx, id: string): MaintenanceView | null =>
  findMaintenance(ctx.store, id)

/** Moves windows on whose time has come: begins them, and ends what nobody verified. */
export async function keepMaintenanceTimes(ctx: WatchCtx): Promise<void> {
  const nowMs = ctx.clock.now().getTime()
  for (const window of listOpenMaintenances(ctx.store)) {
    const next = dueStatus(window, nowMs)
    if (next === null) continue
    try {
      await moveMaintenance(ctx, window, next, BODIES[next], WATCH)
    } catch (error) {
      // An operator was faster; the next look finds what they did.
      if (!isRace(error)) throw error
    }
  }
}

function dueStatus(window: MaintenanceView, nowMs: number): MaintenanceStatus | null {
  if (window.status === 'scheduled') return nowMs >= window.scheduledForMs ? 'in_progress' : null
  if (window.status === 'in_progress') return nowMs >= window.scheduledUntilMs ? 'verifying' : null
  return nowMs >= window.updatedAtMs + VERIFYING_MAX_MS ? 'completed' : null
}

const BODIES: Record<MaintenanceStatus, string> = {
  scheduled: 'The window is announced.',
  in_progress: 'The maintenance has begun.',
  verifying: 'The work is done, and is being checked.',
  completed: 'The maintenance is over.',
}

/** Whether a window was moved on because its time had come. */
export const isWordOfTheClock = (body: string): boolean => Object.values(BODIES).includes(body)

/** Moves a window to a status and tells of it. @throws a race, when somebody else moved it meanwhile. */
export async function moveMaintenance(
  ctx: WatchCtx,
  before: MaintenanceView,
  status: MaintenanceStatus,
  body: string,
  actor: Actor,
): Promise<MaintenanceView> {
  const nowMs = ctx.clock.now().getTime()
  await ctx.store.write([
    changeMaintenance({ id: before.id, seenStatus: before.status, status, atMs: nowMs }),
    insertMaintenanceUpdate(before.id, makeUpdate(ctx, actor, status, body)),
    auditStatement(ctx, {
      actor,
      action: 'update-maintenance',
      subject: before.id,
      facts: { before: before.status, after: status },
    }),
  ])
  return tell(ctx, before.id)
}

const makeUpdate = (
  ctx: WatchCtx,
  actor: Actor,
  status: MaintenanceStatus,
  body: string,
): MaintenanceUpdate => ({
  id: ctx.newId(),
  status,
  body,
  atMs: ctx.clock.now().getTime(),
  author: nameOfActor(actor),
})

function tell(ctx: WatchCtx, id: string): MaintenanceView {
  const maintenance = findMaintenance(ctx.store, id)!
  ctx.live.tell({ kind: 'maintenance', serviceId: maintenance.serviceId, maintenance })
  return maintenance
}

function checkWindow({ title, body, scheduledForMs, scheduledUntilMs }: ScheduleMaintenanceInput): void {
  if (title.trim() === '' || title.length > 200) throw invalid('The title takes 1 to 200 characters.')
  if (body.trim() === '' || body.length > TEXT_MAX_LENGTH)
    throw invalid(`The text takes 1 to ${TEXT_MAX_LENGTH} characters.`)
  if (scheduledUntilMs <= scheduledForMs) throw invalid('The window ends before it begins.')
  if (scheduledUntilMs - scheduledForMs > WINDOW_MAX_MS) throw invalid('A window takes at most 30 days.')
}

const invalid = (detail: string) => new WatchError('invalid-input', { detail })
