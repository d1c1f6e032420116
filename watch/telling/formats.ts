/** A notice in the shape of each channel. */
import type { StatusView } from '../incidents/index.ts'
import { ADVICE_LABEL, incidentById, maintenanceById } from '../incidents/index.ts'
import type { WatchCtx } from '../app/context.ts'
import { pageIdOf, toIncident, toMaintenance } from '../api/statuspage.ts'
import { serverLinks } from '../pages/links.ts'
import { urlOf } from './message-links.ts'
import type { Notice } from './notices.ts'

/** Discord refuses more (2,000); Slack cuts at 4,000. */
const CHAT_MAX_LENGTH = 1_800

/** Plain text, as it goes into a mail. */
export function toText(notice: Notice, origin: string): string {
  return [
    `${notice.state}: ${notice.title}`,
    '',
    notice.body,
    ...(notice.cause ? ['', notice.cause] : []),
    ...(notice.advice ? ['', `${ADVICE_LABEL} ${notice.advice}`] : []),
    '',
    urlOf(notice, origin),
  ].join('\n')
}

/** Head, body and tail, of which only the body is cut: what is to be done stands at the end. */
function joinWithin(head: string, body: string, tail: string): string {
  const room = Math.max(0, CHAT_MAX_LENGTH - head.length - tail.length)
  const short = body.length <= room ? body : `${body.slice(0, Math.max(0, room - 1))}…`
  return `${head}${short}${tail}`
}

/** Slack's three characters with a meaning (api.slack.com/reference/surfaces/formatting#escaping). */
const escapeSlack = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Slack's incoming webhook. */
export const toSlack = (notice: Notice, origin: string): unknown => ({
  text: joinWithin(
    `*${escapeSlack(notice.serviceName)}: ${escapeSlack(notice.title)}* (${escapeSlack(notice.state)})\n`,
    escapeSlack(notice.body),
    `\n<${urlOf(notice, origin)}|What is known>`,
  ),
})

/** Discord's webhook; nobody is pinged, whatever the text says. */
export const toDiscord = (notice: Notice, origin: string): unknown => ({
  content: joinWithin(
    `**${notice.serviceName}: ${notice.title}** (${notice.state})\n`,
    notice.body,
    `\n${urlOf(notice, origin)}`,
  ),
  allowed_mentions: { parse: [] },
})

/** What the push worker of the subscribe page shows. */
export const toPush = (notice: Notice, origin: string): unknown => ({
  title: `${notice.serviceName}: ${notice.title}`,
  body: `${notice.state}. ${notice.body}`.slice(0, 400),
  url: urlOf(notice, origin),
  tag: notice.subjectId || notice.id,
})

/** The webhook of somebody on call. */
export const toPageWebhook = (notice: Notice, origin: string): unknown => ({
  kind: 'page',
  id: notice.id,
  service: { id: notice.serviceId, name: notice.serviceName },
  /** Null: the watch itself is the matter. */
  incident: notice.subjectId || null,
  state: notice.state,
  title: notice.title,
  body: notice.body,
  cause: notice.cause,
  at: new Date(notice.atMs).toISOString(),
  url: urlOf(notice, origin),
})

/** Statuspage's webhook: `meta`, `page`, and the incident as its API shows it. */
export function toStatuspageWebhook(
  ctx: WatchCtx,
  input: {
    readonly notice: Notice
    readonly view: StatusView
    readonly origin: string
    readonly unsubscribeUrl: string
  },
): unknown {
  const { notice, view, origin, unsubscribeUrl } = input
  const links = serverLinks(notice.serviceId, origin)
  const head = {
    meta: {
      unsubscribe: unsubscribeUrl,
      documentation: 'https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/',
    },
    page: {
      id: pageIdOf(notice.serviceId),
      status_indicator: view.indicator,
      status_description: view.description,
    },
  }
  const incident = notice.kind === 'incident' ? incidentById(ctx, notice.subjectId) : null
  const maintenance = notice.kind === 'maintenance' ? maintenanceById(ctx, notice.subjectId) : null
  // Under the id by which it was told before, whichever watch gave it.
  if (incident) return { ...head, incident: toIncident({ ...incident, id: notice.subjectId }, view, links) }
  // Statuspage sends a maintenance as an incident as well.
  return maintenance ? { ...head, incident: toMaintenance(maintenance, view, links) } : head
}
