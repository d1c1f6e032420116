/** Browsers in which operators are paged, and the page that tests whether one is reached. */
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { auditStatement } from '../incidents/index.ts'
import type { OperatorActor } from '../operators/auth.ts'
import { originOfMessages } from '../telling/message-links.ts'
import type { Notice } from '../telling/notices.ts'
import { tellOneStatements } from '../telling/outbox.ts'
import { deviceStatements, endDeviceStatement, listDevices, receiversOf } from './receivers.ts'
import { personOfOperator } from './targets.ts'

const DEVICES_MAX = 10

/**
 * Pages an operator in this browser from now on, and tells them so there. Idempotent.
 *
 * @throws {WatchError} too-many-requests
 */
export async function addDevice(
  ctx: WatchCtx,
  input: { readonly actor: OperatorActor; readonly label: string; readonly address: string },
): Promise<{ readonly id: string }> {
  const { actor, label, address } = input
  const { subscriptionId, statements } = deviceStatements(ctx, { operator: actor.name, label, address })
  const known = listDevices(ctx, actor.name)
  if (known.length >= DEVICES_MAX && !known.some((device) => device.subscriptionId === subscriptionId))
    throw new WatchError('too-many-requests', {
      detail: `One operator is paged in at most ${DEVICES_MAX} browsers.`,
      next: 'End one of the others first.',
    })
  const notice = wordOf(ctx, {
    key: `device-${subscriptionId}`,
    serviceId: '',
    serviceName: ctx.config.name,
    title: 'This browser is paged from now on',
  })
  await ctx.store.write([
    ...statements,
    ...tellOneStatements(ctx, notice, subscriptionId),
    auditStatement(ctx, { actor, action: 'add-device', subject: actor.id, facts: { label } }),
  ])
  return { id: subscriptionId }
}

/** Idempotence: the second time it is gone. @throws {WatchError} changed-meanwhile */
export async function endDevice(
  ctx: WatchCtx,
  { actor, subscriptionId }: { readonly actor: OperatorActor; readonly subscriptionId: string },
): Promise<void> {
  await ctx.store.write([
    endDeviceStatement(actor.name, subscriptionId),
    auditStatement(ctx, { actor, action: 'end-device', subject: actor.id }),
  ])
}

/**
 * Pages whoever asks, and nobody else, at all their addresses.
 *
 * @throws {WatchError} invalid-input when they are none of the service's people, or have no address
 */
export async function testPage(
  ctx: WatchCtx,
  input: { readonly actor: OperatorActor; readonly entry: ServiceEntry },
): Promise<void> {
  const { actor, entry } = input
  const person = personOfOperator(entry, actor.name)
  const receivers = person ? receiversOf(ctx, person) : []
  if (receivers.length === 0)
    throw new WatchError('invalid-input', {
      detail: person
        ? `There is no address to reach ${person.name} at.`
        : `The file of ${entry.name} does not name you among its people.`,
      next: 'Write your address into the service’s file, or let this browser be paged.',
    })
  const notice = wordOf(ctx, {
    key: `test-${ctx.newId()}`,
    serviceId: entry.id,
    serviceName: entry.name,
    title: 'This is a test of being paged',
  })
  await ctx.store.write([
    ...receivers.flatMap(({ subscriptionId, statements }) => [
      ...statements,
      ...tellOneStatements(ctx, notice, subscriptionId),
    ]),
    auditStatement(ctx, {
      actor,
      action: 'test-page',
      subject: entry.id,
      facts: { channels: receivers.map(({ channel }) => channel).join(' ') },
    }),
  ])
}

const wordOf = (
  ctx: WatchCtx,
  input: {
    readonly key: string
    readonly serviceId: string
    readonly serviceName: string
    readonly title: string
  },
): Notice => ({
  id: `page-${input.key}`,
  kind: 'page',
  serviceId: input.serviceId,
  serviceName: input.serviceName,
  subjectId: '',
  title: input.title,
  state: 'Test',
  body: 'Nothing is wrong. If you read this, you are reached here.',
  cause: null,
  advice: null,
  atMs: ctx.clock.now().getTime(),
  featureIds: [],
  regions: [],
  link: `${originOfMessages(ctx)}/operate/on-call`,
})
