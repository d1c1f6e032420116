/** Subscriptions: made by anyone, in force once their owner has confirmed them, ended by one tap. All their SQL is here. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import type { Statement } from '../store/index.ts'
import { Rhythm } from './rhythm.ts'

export const CHANNELS = ['email', 'webhook', 'slack', 'discord', 'push'] as const
export type Channel = (typeof CHANNELS)[number]

const PER_SERVICE_MAX = 100_000
const SECRET_BYTES = 24

export interface Subscription {
  readonly id: string
  readonly serviceId: string
  readonly channel: Channel
  readonly address: string
  readonly features: readonly string[]
  readonly regions: readonly string[]
  readonly rhythm: Rhythm
  readonly secret: string
  readonly confirmedAtMs: number | null
}

export interface SubscribeInput {
  readonly serviceId: string
  readonly channel: Channel
  readonly address: string
  readonly features: readonly string[]
  readonly regions: readonly string[]
  readonly rhythm: Rhythm
}

interface Row {
  readonly id: string
  readonly service_id: string
  readonly channel: Channel
  readonly address: string
  readonly features: string
  readonly regions: string
  readonly rhythm: string
  readonly secret: string
  readonly confirmed_at_ms: number | null
}

const COLUMNS = 'id, service_id, channel, address, features, regions, rhythm, secret, confirmed_at_ms'
const Ids = z.array(z.string())

const toSubscription = (row: Row): Subscription => ({
  id: row.id,
  serviceId: row.service_id,
  channel: row.channel,
  address: row.address,
  features: Ids.parse(JSON.parse(row.features)),
  regions: Ids.parse(JSON.parse(row.regions)),
  rhythm: Rhythm.parse(JSON.parse(row.rhythm)),
  secret: row.secret,
  confirmedAtMs: row.confirmed_at_ms,
})

/**
 * Makes the subscription, unconfirmed, or changes what an unconfirmed one is about. One that is in force is left as it is:
 * a stranger who knows an address changes nothing, and learns nothing.
 *
 * @throws {WatchError} not-found, invalid-input
 */
export async function subscribe(ctx: WatchCtx, input: SubscribeInput): Promise<Subscription> {
  const entry = ctx.catalog.find(input.serviceId)
  if (!entry) throw notFound('service', input.serviceId)
  const unknown = [
    ...input.features.filter((id) => !entry.features.some((feature) => feature.id === id)),
    ...input.regions.filter((id) => !entry.regions.some((region) => region.id === id)),
  ]
  if (unknown.length > 0)
    throw new WatchError('invalid-input', {
      detail: `Nothing here is called ${unknown.slice(0, 5).join(', ')}.`,
    })
  const existing = findByAddress(ctx, input)
  if (existing?.confirmedAtMs) return existing
  if (countOf(ctx, input.serviceId) >= PER_SERVICE_MAX)
    throw new WatchError('too-many-requests', { detail: 'This watch has no room for more subscriptions.' })
  const subscription: Subscription = {
    ...input,
    id: existing?.id ?? ctx.newId(),
    secret: existing?.secret ?? ctx.randomBytes(SECRET_BYTES).toString('base64url'),
    confirmedAtMs: null,
  }
  await ctx.store.write([
    {
      sql: `insert into subscription (id, service_id, channel, address, features, regions, rhythm, secret, created_at_ms)
        values (:id, :serviceId, :channel, :address, :features, :regions, :rhythm, :secret, :nowMs)
        on conflict (service_id, channel, address) do update
          set features = excluded.features, regions = excluded.regions, rhythm = excluded.rhythm
          where confirmed_at_ms is null`,
      params: {
        id: subscription.id,
        serviceId: input.serviceId,
        channel: input.channel,
        address: input.address,
        features: JSON.stringify(input.features),
        regions: JSON.stringify(input.regions),
        rhythm: JSON.stringify(input.rhythm),
        secret: subscription.secret,
        nowMs: ctx.clock.now().getTime(),
      },
    },
  ])
  // Two that came at the same time share the row of the first.
  return findByAddress(ctx, input)!
}

/** Puts it in force. Idempotent. @throws {WatchError} not-found when the link is wrong or it was ended */
export async function confirmSubscription(ctx: WatchCtx, id: string, secret: string): Promise<Subscription> {
  const subscription = findSubscription(ctx, id, secret)
  await ctx.store.write([confirmStatement(id, ctx.clock.now().getTime())])
  return subscription
}

export const confirmStatement = (id: string, nowMs: number): Statement => ({
  sql: 'update subscription set confirmed_at_ms = coalesce(confirmed_at_ms, :nowMs) where id = :id',
  params: { id, nowMs },
})

/** Ends it, with all that was still to be sent. Idempotent: a second tap finds it gone and that is fine. */
export async function unsubscribe(ctx: WatchCtx, id: string, secret: string): Promise<void> {
  if (subscriptionByLink(ctx, id, secret)) await ctx.store.write([endStatement(id)])
}

export const endStatement = (id: string): Statement => ({
  sql: 'delete from subscription where id = :id',
  params: { id },
})

/** @throws {WatchError} not-found */
export function findSubscription(ctx: WatchCtx, id: string, secret: string): Subscription {
  const subscription = subscriptionByLink(ctx, id, secret)
  if (!subscription) throw notFound('subscription', id)
  return subscription
}

/** Null when the link is wrong, or it was ended; what has no secret has no link. */
export function subscriptionByLink(ctx: WatchCtx, id: string, secret: string): Subscription | null {
  const row = readRow(ctx, id)
  return row && row.secret !== '' && isSecret(row.secret, secret) ? toSubscription(row) : null
}

export function subscriptionById(ctx: WatchCtx, id: string): Subscription | null {
  const row = readRow(ctx, id)
  return row ? toSubscription(row) : null
}

/** All in force of a service, in pages by id. */
export function listConfirmed(
  ctx: WatchCtx,
  serviceId: string,
  afterId: string,
  limit: number,
): Subscription[] {
  return ctx.store
    .all<Row>(
      `select ${COLUMNS} from subscription where service_id = :serviceId and confirmed_at_ms is not null and id > :afterId
       order by id limit :limit`,
      { serviceId, afterId, limit },
    )
    .map(toSubscription)
}

function findByAddress(
  ctx: WatchCtx,
  input: Pick<SubscribeInput, 'serviceId' | 'channel' | 'address'>,
): Subscription | null {
  const row = ctx.store.get<Row>(
    `select ${COLUMNS} from subscription where service_id = :serviceId and channel = :channel and address = :address`,
    { serviceId: input.serviceId, channel: input.channel, address: input.address },
  )
  return row ? toSubscription(row) : null
}

const readRow = (ctx: WatchCtx, id: string): Row | undefined =>
  ctx.store.get<Row>(`select ${COLUMNS} from subscription where id = :id`, { id })

const countOf = (ctx: WatchCtx, serviceId: string): number =>
  ctx.store.get<{ count: number }>(
    'select count(*) as count from subscription where service_id = :serviceId',
    {
      serviceId,
    },
  )!.count

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
const isSecret = (expected: string, given: string): boolean => timingSafeEqual(hash(expected), hash(given))
