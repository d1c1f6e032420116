/** HTTP of maintenance in the cockpit. */
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import type { WatchApp } from '../http/http.ts'
import { listMaintenances, scheduleMaintenance, statusOf, updateMaintenance } from '../incidents/index.ts'
import { formOf, sendPage } from '../pages/send-page.ts'
import { actorOf, entryOf, seeOther } from './access.ts'
import type { OperatorAuth } from './auth.ts'
import { chosenIds, instantOf, required } from './form-fields.ts'
import { renderMaintenances } from './maintenance-page.ts'

const IdParams = z.object({ id: z.string().max(64) })
const ServiceQuery = z.object({ service: z.string().max(63).optional().catch(undefined) })
const MaintenanceStep = z.enum(['in_progress', 'verifying', 'completed'])
const SHOWN_OF_EACH = 50

/** Registers the page and its forms. */
export function registerMaintenance(app: WatchApp, ctx: WatchCtx, auth: OperatorAuth): void {
  app.get('/operate/maintenances', { schema: { querystring: ServiceQuery } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'observer')
    const entries = ctx.catalog.services()
    const chosen = entries.find(({ id }) => id === request.query.service) ?? entries[0] ?? null
    const maintenances = entries.flatMap(({ id }) => {
      const view = statusOf(ctx, id)
      return listMaintenances(ctx, { serviceId: id, limit: SHOWN_OF_EACH }).map((one) => ({ one, view }))
    })
    return sendPage(reply, renderMaintenances({ actor, entries, chosen, maintenances }), { maxAgeS: 0 })
  })
  app.post('/operate/maintenances', async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    const entry = entryOf(ctx, required(form, 'service', 'the service'))
    await scheduleMaintenance(ctx, {
      actor,
      serviceId: entry.id,
      title: required(form, 'title', 'a title'),
      body: required(form, 'body', 'what people read'),
      featureIds: chosenIds(form, 'features', entry),
      regions: chosenIds(form, 'regions', entry),
      scheduledForMs: instantOf(form, 'from'),
      scheduledUntilMs: instantOf(form, 'until'),
    })
    return seeOther(reply, '/operate/maintenances')
  })
  app.post('/operate/maintenances/:id', { schema: { params: IdParams } }, async (request, reply) => {
    const actor = await actorOf(auth, request, 'responder')
    const form = formOf(request)
    await updateMaintenance(ctx, {
      actor,
      maintenanceId: request.params.id,
      status: MaintenanceStep.parse(form.get('status')),
      body: required(form, 'body', 'what people read'),
    })
    return seeOther(reply, '/operate/maintenances')
  })
}
