/** HTTP of answering a page by the link in it: looking changes nothing, the button does. */
import { z } from 'zod'
import { inScope } from '../../kit/http/fastify-scope.ts'
import type { Actor } from '../app/actor.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound } from '../app/errors.ts'
import type { WatchRoutes } from '../http/http.ts'
import { answerErrorsWithPages } from '../pages/error-page.ts'
import { serverLinks } from '../pages/links.ts'
import { acceptForms, sendPage } from '../pages/send-page.ts'
import { renderAnswerPage } from './answer-page.ts'
import type { PageLinks } from './links.ts'
import { subjectOf } from './page-notices.ts'
import type { PageRecord } from './page-records.ts'
import { runbooksFor } from './runbooks.ts'
import { acknowledgePage } from './verbs.ts'

const Params = z.object({
  page: z.string().max(20),
  person: z.string().max(80),
  signature: z.string().max(64),
})
type Params = z.infer<typeof Params>

/** The pages below /pages. */
export const answerRoutes =
  (links: PageLinks): WatchRoutes =>
  (app, ctx) => {
    inScope(app, async (scope) => {
      answerErrorsWithPages(scope, ctx)
      acceptForms(scope)
      // The link lets whoever has it answer: it must not travel on to other sites. With no referrer at all, browsers
      // would not say of the answer that it comes from here.
      scope.addHook(
        'onRequest',
        async (_request, reply) => void reply.header('referrer-policy', 'same-origin'),
      )
      const path = '/pages/:page/:person/:signature'
      scope.get(path, { schema: { params: Params } }, (request, reply) => {
        const { page, actor } = findByLink(ctx, links, request.params)
        return sendPage(reply, renderFor(ctx, page, actor, request.url), { maxAgeS: 0 })
      })
      scope.post(path, { schema: { params: Params } }, async (request, reply) => {
        const { page, actor } = findByLink(ctx, links, request.params)
        await acknowledgePage(ctx, links, { actor, pageId: page.id })
        return reply.code(303).header('location', request.url).send()
      })
    })
  }

type OnCallActor = Extract<Actor, { kind: 'on-call' }>

/** A wrong link looks like one of a page that never was. @throws {WatchError} not-found */
function findByLink(
  ctx: WatchCtx,
  links: PageLinks,
  { page: pageId, person, signature }: Params,
): { readonly page: PageRecord; readonly actor: OnCallActor } {
  const page = links.isRight(pageId, person, signature) ? ctx.pages.find(pageId) : null
  const told = page && ctx.pages.listTold(page.id).find(({ personId }) => personId === person)
  if (!page || !told) throw notFound('page', 'of this link')
  return { page, actor: { kind: 'on-call', id: person, name: told.name } }
}

function renderFor(ctx: WatchCtx, page: PageRecord, actor: OnCallActor, action: string): string {
  const entry = ctx.catalog.find(page.serviceId)
  const subject = subjectOf(ctx, entry, page)
  const links = serverLinks(page.serviceId)
  return renderAnswerPage({
    page,
    subject,
    serviceName: entry?.name ?? page.serviceId,
    personName: actor.name,
    runbooks: subject.incident ? runbooksFor(entry, subject.incident) : [],
    action,
    statusHref: subject.incident ? links.incident(subject.incident.id) : links.status(),
    timeZone: entry?.timeZone ?? 'Etc/UTC',
    now: ctx.clock.now(),
  })
}
