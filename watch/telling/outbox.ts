/** Notices become messages: one for each subscription that wants it, written before anything is sent. */
import type { WatchCtx } from '../app/context.ts'
import { incidentById, listIncidentsOfBoth, listMaintenances, type IncidentView } from '../incidents/index.ts'
import type { Statement, Store } from '../store/index.ts'
import {
  isWanted,
  Notice,
  noticeOfMerge,
  noticesOfIncident,
  noticesOfMaintenance,
  type ToldBefore,
} from './notices.ts'
import { postStatements } from './posts/post-records.ts'
import { dueAt } from './rhythm.ts'
import { listConfirmed, type Channel, type Subscription } from './subscriptions.ts'

const PAGE = 1_000
/** What is older than this when the watch comes back is history, not news. */
const NEWS_MAX_AGE_MS = 6 * 3_600_000
/**
 * What only others had seen while nobody heard them is news for longer, as long as it is not over. Shorter than notices are
 * kept: what was told is known.
 */
const UNHEARD_NEWS_MAX_AGE_MS = 5 * 86_400_000
const RECENT_INCIDENTS = 50
/** Of a service, in the time for which something is news, by the word of other watches: whoever takes one over writes no more. */
export const PEER_NOTICES_MAX = 60
/** The outbox serves by the time that is due: as if it had waited this long already. */
const PAGE_HEAD_START_MS = 600_000

/** Everything that is news and was not told yet: after each change, and after a restart. Answers how many notices are new. */
export async function collectNotices(ctx: WatchCtx, serviceIds: readonly string[]): Promise<number> {
  const sinceMs = ctx.clock.now().getTime() - NEWS_MAX_AGE_MS
  let count = 0
  for (const serviceId of serviceIds) {
    const entry = ctx.catalog.find(serviceId)
    if (!entry) continue
    const notices = [
      ...newsOfIncidents(ctx, entry, sinceMs),
      ...listMaintenances(ctx, { serviceId }).flatMap((one) => noticesOfMaintenance(one, entry.name)),
    ].filter(({ atMs, id }) => atMs >= sinceMs && !isKnown(ctx, id))
    if (notices.length > 0) await ctx.store.write(notices.map(noticeStatement))
    count += notices.length
  }
  await spreadNotices(ctx)
  return count
}

/** What people were not told yet, of other watches' words up to their number; the operator is told that there were more. */
function newsOfIncidents(
  ctx: WatchCtx,
  { id: serviceId, name }: { readonly id: string; readonly name: string },
  sinceMs: number,
): Notice[] {
  let left = PEER_NOTICES_MAX - countTheirs(ctx, serviceId, sinceMs)
  let isRefused = false
  const notices = listIncidentsOfBoth(ctx, { serviceId, limit: RECENT_INCIDENTS }).flatMap((incident) => {
    if (incident.mergedInto !== null) return noticesOfMerge(ctx, incident, name)
    const news = newsOfIncident(ctx, incident, name, sinceMs)
    const theirs = news.filter(isTheirs).map(({ id }) => id)
    if (theirs.length <= left) {
      left -= theirs.length
      return news
    }
    isRefused = true
    // What is not told keeps nobody from hearing the same by our own word.
    const kept = new Set(theirs.slice(0, left))
    left = 0
    return newsOfIncident(ctx, incident, name, sinceMs, kept).filter(
      (one) => !isTheirs(one) || kept.has(one.id),
    )
  })
  sayRefused(ctx, serviceId, isRefused)
  return notices
}

const isTheirs = ({ watch }: Notice): boolean => watch !== undefined

/**
 * What people were not told yet. Of what is not over they hear at least how it is, however late another watch was heard.
 *
 * @param theirIds the words of other watches that may be told; left out: all
 */
function newsOfIncident(
  ctx: WatchCtx,
  incident: IncidentView,
  serviceName: string,
  sinceMs: number,
  theirIds?: ReadonlySet<string>,
): Notice[] {
  const isNews = ({ atMs, id }: Notice) => atMs >= sinceMs && !isKnown(ctx, id)
  if (!incident.witnesses) return noticesOfIncident(incident, serviceName).filter(isNews)
  const told = readTold(ctx, incident)
  const news = noticesOfIncident(
    incident,
    serviceName,
    told,
    ({ watch, atMs, id }) => watch === undefined || (atMs >= sinceMs && (theirIds?.has(id) ?? true)),
  ).filter(isNews)
  if (news.length > 0 || told.updateIds.length > 0 || incident.resolvedAtMs !== null) return news
  const last = noticesOfIncident(incident, serviceName, told).at(-1)
  const nowMs = ctx.clock.now().getTime()
  return last && nowMs - last.atMs <= UNHEARD_NEWS_MAX_AGE_MS ? [{ ...last, atMs: nowMs }] : []
}

function readTold(ctx: WatchCtx, { updates }: IncidentView): ToldBefore {
  const rows = ctx.store.all<{ id: string; subjectId: string }>(
    `select id, body ->> 'subjectId' as subjectId from notice
     where id in (select value from json_each(:ids)) order by rowid`,
    { ids: JSON.stringify(updates.map(({ id }) => id)) },
  )
  return { updateIds: rows.map(({ id }) => id), subjectId: rows[0]?.subjectId ?? null }
}

/** How many of other watches' words were told. */
const countTheirs = (ctx: WatchCtx, serviceId: string, sinceMs: number): number =>
  ctx.store.get<{ told: number }>(
    `select count(*) as told from notice
     where service_id = :serviceId and at_ms >= :sinceMs and body ->> 'watch' is not null`,
    { serviceId, sinceMs },
  )!.told

function sayRefused(ctx: WatchCtx, serviceId: string, isRefused: boolean): void {
  const id = `peer-words/${serviceId}`
  if (!isRefused) return ctx.troubles.end(id)
  ctx.troubles.raise({
    id,
    what: `Other watches say more of ${serviceId} than ${PEER_NOTICES_MAX} messages in six hours: the rest is told to nobody.`,
    remedy:
      'Look at what the other watch shows. If it is not itself any more, take its key out of WATCH_PEER_KEY.',
  })
}

/** Whoever heard of it hears where it goes on. */
const noticesOfMerge = (ctx: WatchCtx, incident: IncidentView, serviceName: string): Notice[] =>
  incident.updates.some(({ id }) => isKnown(ctx, id))
    ? [noticeOfMerge(incident, incidentById(ctx, incident.mergedInto!)?.title ?? 'another', serviceName)]
    : []

/** A notice that concerns one subscription alone, such as the mail that asks to confirm it. */
export async function tellOne(ctx: WatchCtx, notice: Notice, subscriptionId: string): Promise<void> {
  await ctx.store.write(tellOneStatements(ctx, notice, subscriptionId))
}

/** The same, to be written in one unit with what it tells of. A page goes out before what waits for subscribers. */
export function tellOneStatements(ctx: WatchCtx, notice: Notice, subscriptionId: string): Statement[] {
  const headStartMs = notice.kind === 'page' ? PAGE_HEAD_START_MS : 0
  const dueAtMs = ctx.clock.now().getTime() - headStartMs
  return [
    noticeStatement(notice),
    messageStatement(ctx, { notice, subscriptionId, dueAtMs }),
    spreadStatement(notice.id),
  ]
}

const isKnown = (ctx: WatchCtx, id: string): boolean =>
  ctx.store.get('select 1 from notice where id = :id', { id }) !== undefined

/** Makes the messages of each notice; a crash in between is mended by doing it again. */
async function spreadNotices(ctx: WatchCtx): Promise<void> {
  const open = ctx.store.all<{ body: string }>(
    'select body from notice where is_spread = 0 order by at_ms, rowid',
  )
  for (const { body } of open) await spreadNotice(ctx, Notice.parse(JSON.parse(body)))
}

async function spreadNotice(ctx: WatchCtx, notice: Notice): Promise<void> {
  const nowMs = ctx.clock.now().getTime()
  let afterId = ''
  for (;;) {
    const page = listConfirmed(ctx, notice.serviceId, afterId, PAGE)
    const wanted = page.filter((subscription) => isWanted(notice, subscription))
    const isLast = page.length < PAGE
    await ctx.store.write([
      ...wanted.map((subscription) =>
        messageStatement(ctx, {
          notice,
          subscriptionId: subscription.id,
          dueAtMs: dueFor(subscription, nowMs),
        }),
      ),
      ...(isLast ? [...postStatements(ctx, notice), spreadStatement(notice.id)] : []),
    ])
    if (isLast) return
    afterId = page.at(-1)!.id
  }
}

/** Programs have no night. */
const dueFor = ({ channel, rhythm }: Subscription, nowMs: number): number =>
  channel === 'email' || channel === 'push' ? dueAt(nowMs, rhythm) : nowMs

const noticeStatement = (notice: Notice): Statement => ({
  sql: `insert into notice (id, service_id, at_ms, body) values (:id, :serviceId, :atMs, :body) on conflict do nothing`,
  params: { id: notice.id, serviceId: notice.serviceId, atMs: notice.atMs, body: JSON.stringify(notice) },
})

const spreadStatement = (id: string): Statement => ({
  sql: 'update notice set is_spread = 1 where id = :id',
  params: { id },
})

const messageStatement = (
  ctx: WatchCtx,
  input: { readonly notice: Notice; readonly subscriptionId: string; readonly dueAtMs: number },
): Statement => ({
  // A subscription that was just ended takes its messages with it.
  sql: `insert into message (id, subscription_id, notice_id, due_at_ms, first_due_at_ms)
    select :id, s.id, :noticeId, :dueAtMs, :dueAtMs from subscription s where s.id = :subscriptionId
    on conflict do nothing`,
  params: {
    id: ctx.newId(),
    subscriptionId: input.subscriptionId,
    noticeId: input.notice.id,
    dueAtMs: input.dueAtMs,
  },
})

export interface DueMessage {
  readonly id: string
  readonly subscriptionId: string
  readonly attempts: number
  readonly firstDueAtMs: number
  readonly notice: Notice
}

/** Mail, or all other channels. */
export type LaneName = 'mail' | 'web'

export interface QueuedMessage extends DueMessage {
  readonly channel: Channel
  readonly address: string
}

interface DueRow {
  readonly id: string
  readonly subscription_id: string
  readonly attempts: number
  readonly first_due_at_ms: number
  readonly notice_id: string
  readonly body: string
  readonly channel: Channel
  readonly address: string
}

/** Messages of the lane whose time has come, oldest first. */
export function listDue(ctx: WatchCtx, lane: LaneName, limit: number): QueuedMessage[] {
  const notices = new Map<string, Notice>()
  // Thousands of messages tell the same.
  const noticeOf = ({ notice_id: id, body }: DueRow): Notice => {
    const notice = notices.get(id) ?? Notice.parse(JSON.parse(body))
    notices.set(id, notice)
    return notice
  }
  return ctx.store
    .all<DueRow>(
      `select m.id, m.subscription_id, m.attempts, m.first_due_at_ms, m.notice_id, n.body, s.channel, s.address
       from message m join notice n on n.id = m.notice_id join subscription s on s.id = m.subscription_id
       where m.state = 'waiting' and m.due_at_ms <= :nowMs and (s.channel = 'email') = :isMail
       order by m.due_at_ms, n.at_ms, n.rowid limit :limit`,
      { nowMs: ctx.clock.now().getTime(), isMail: lane === 'mail' ? 1 : 0, limit },
    )
    .map((row) => ({
      id: row.id,
      subscriptionId: row.subscription_id,
      channel: row.channel,
      address: row.address,
      attempts: row.attempts,
      firstDueAtMs: row.first_due_at_ms,
      notice: noticeOf(row),
    }))
}

/** Messages whose time has come and that are not sent yet, by channel: what waits for a receiver, or for us. */
export const countOverdue = (store: Store, nowMs: number): ReadonlyMap<Channel, number> =>
  new Map(
    store
      .all<{ channel: Channel; count: number }>(
        `select s.channel, count(*) as count from message m join subscription s on s.id = m.subscription_id
         where m.state = 'waiting' and m.due_at_ms <= :nowMs group by s.channel`,
        { nowMs },
      )
      .map(({ channel, count }) => [channel, count]),
  )

export const sentStatement = (id: string): Statement => ({
  sql: `update message set state = 'sent', attempts = attempts + 1, last_error = null where id = :id`,
  params: { id },
})

/** Of a message that went out beside the outbox. */
export const sentAlreadyStatement = (noticeId: string, subscriptionId: string): Statement => ({
  sql: `update message set state = 'sent', attempts = attempts + 1
    where notice_id = :noticeId and subscription_id = :subscriptionId`,
  params: { noticeId, subscriptionId },
})

export const retryStatement = (id: string, dueAtMs: number, error: string): Statement => ({
  sql: 'update message set due_at_ms = :dueAtMs, attempts = attempts + 1, last_error = :error where id = :id',
  params: { id, dueAtMs, error },
})

/** Later, without having been tried. */
export const holdStatement = (id: string, dueAtMs: number): Statement => ({
  sql: 'update message set due_at_ms = :dueAtMs where id = :id',
  params: { id, dueAtMs },
})

export const giveUpStatement = (id: string, error: string): Statement => ({
  sql: `update message set state = 'given-up', attempts = attempts + 1, last_error = :error where id = :id`,
  params: { id, error },
})
