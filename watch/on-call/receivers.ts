/** Where a person is reached: their address of mail, webhook and browsers, as receivers of the outbox. */
import { stableId } from '../app/ids.ts'
import type { WatchCtx } from '../app/context.ts'
import type { OnCallPerson } from '../configuration/index.ts'
import type { Statement } from '../store/index.ts'
import { subscriptionById, type Subscription } from '../telling/subscriptions.ts'

/** No service can be called so: what subscribers are told never goes to these. */
const RECEIVERS_OF = '/on-call'
const NO_RHYTHM = { digestAt: null, quiet: null, timeZone: 'Etc/UTC' } as const

type Channel = 'email' | 'webhook' | 'slack' | 'discord' | 'push'

export interface Receiver {
  readonly subscriptionId: string
  readonly channel: Channel
  /** The same, for a message that goes out beside the outbox. */
  readonly to: Subscription
  /** Makes it, or brings it up to date; before the message in the same unit. */
  readonly statements: readonly Statement[]
}

/** All that can be used now; a person without any can not be paged. */
export function receiversOf(ctx: WatchCtx, person: OnCallPerson): Receiver[] {
  const receivers: Receiver[] = []
  if (person.email !== null && ctx.config.telling.smtpUrl !== null)
    receivers.push(makeReceiver(ctx, 'email', person.email.toLowerCase(), ''))
  if (person.webhook) {
    const { as, url, secret } = person.webhook
    receivers.push(makeReceiver(ctx, as === 'json' ? 'webhook' : as, url, secret))
  }
  if (person.operator !== null)
    for (const { subscriptionId } of listDevices(ctx, person.operator)) {
      const to = subscriptionById(ctx, subscriptionId)
      if (to) receivers.push({ subscriptionId, channel: 'push', to, statements: [] })
    }
  return receivers
}

function makeReceiver(ctx: WatchCtx, channel: Channel, address: string, secret: string): Receiver {
  const subscriptionId = stableId(`on-call/${channel}/${address}`)
  return {
    subscriptionId,
    channel,
    to: {
      id: subscriptionId,
      serviceId: RECEIVERS_OF,
      channel,
      address,
      features: [],
      regions: [],
      rhythm: NO_RHYTHM,
      secret,
      confirmedAtMs: ctx.clock.now().getTime(),
    },
    statements: [receiverStatement(ctx, { id: subscriptionId, channel, address, secret })],
  }
}

const receiverStatement = (
  ctx: WatchCtx,
  receiver: {
    readonly id: string
    readonly channel: Channel
    readonly address: string
    readonly secret: string
  },
): Statement => ({
  sql: `insert into subscription
      (id, service_id, channel, address, features, regions, rhythm, secret, confirmed_at_ms, created_at_ms)
    values (:id, '${RECEIVERS_OF}', :channel, :address, '[]', '[]', '${JSON.stringify(NO_RHYTHM)}', :secret, :nowMs, :nowMs)
    on conflict do update set secret = excluded.secret`,
  params: { ...receiver, nowMs: ctx.clock.now().getTime() },
})

export interface Device {
  readonly subscriptionId: string
  readonly operator: string
  readonly label: string
  readonly addedAtMs: number
}

/** The browsers in which an operator is paged. */
export const listDevices = (ctx: WatchCtx, operator: string): Device[] =>
  ctx.store.all<Device>(
    `select subscription_id as subscriptionId, operator, label, added_at_ms as addedAtMs from on_call_device
     where operator = :operator order by added_at_ms, subscription_id limit 20`,
    { operator: operator.toLowerCase() },
  )

/** A browser of an operator, known by its push subscription (JSON). Asking again changes nothing. */
export function deviceStatements(
  ctx: WatchCtx,
  device: { readonly operator: string; readonly label: string; readonly address: string },
): { readonly subscriptionId: string; readonly statements: readonly Statement[] } {
  const { operator, label, address } = device
  const { subscriptionId, statements } = makeReceiver(ctx, 'push', address, '')
  return {
    subscriptionId,
    statements: [
      ...statements,
      {
        // Names of operators differ by more than their case.
        sql: `insert into on_call_device (subscription_id, operator, label, added_at_ms)
          values (:subscriptionId, :operator, :label, :nowMs)
          on conflict (subscription_id) do update set operator = excluded.operator, label = excluded.label`,
        params: { subscriptionId, operator: operator.toLowerCase(), label, nowMs: ctx.clock.now().getTime() },
      },
    ],
  }
}

/** Nothing more comes to it; only its own operator ends it. */
export const endDeviceStatement = (operator: string, subscriptionId: string): Statement => ({
  sql: `delete from subscription where id = :subscriptionId
    and exists (select 1 from on_call_device where subscription_id = :subscriptionId and operator = :operator)`,
  params: { operator: operator.toLowerCase(), subscriptionId },
  mustChange: true,
})

/** Whoever operates nothing any more is paged in no browser. */
export const endDevicesStatement = (operator: string): Statement => ({
  sql: `delete from subscription where id in
    (select subscription_id from on_call_device where operator = :operator)`,
  params: { operator: operator.toLowerCase() },
})
