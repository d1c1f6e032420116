/** Addresses that stand in messages. */
import type { WatchCtx } from '../app/context.ts'
import { serverLinks } from '../pages/links.ts'
import type { Notice } from './notices.ts'
import type { Subscription } from './subscriptions.ts'

/** The address by which people reach the watch. */
export const originOfMessages = (ctx: WatchCtx): string =>
  ctx.config.publicUrl ?? `http://localhost:${ctx.config.port}`

/** Tells the operator that messages go out whose links lead nowhere. */
export const missAddress = (ctx: WatchCtx): void =>
  ctx.troubles.raise({
    id: 'public-url',
    what: 'Links in mails and posts lead nowhere: this watch does not know its own address.',
    remedy: 'Set WATCH_PUBLIC_URL to the address by which people reach it.',
  })

/** The page that ends a subscription. */
export const unsubscribeUrl = (ctx: WatchCtx, { id, secret }: Subscription): string =>
  `${originOfMessages(ctx)}/unsubscribe/${id}/${secret}`

/** The page that puts it in force. */
export const confirmUrl = (ctx: WatchCtx, { id, secret }: Subscription): string =>
  `${originOfMessages(ctx)}/confirm/${id}/${secret}`

/** Where people read more; of a page to somebody on call: where it is answered. */
export function urlOf(notice: Notice, origin: string): string {
  if (notice.link !== undefined) return notice.link
  const links = serverLinks(notice.serviceId, origin)
  if (notice.subjectId === '') return links.status()
  return notice.kind === 'maintenance'
    ? links.maintenance(notice.subjectId)
    : links.incident(notice.subjectId)
}
