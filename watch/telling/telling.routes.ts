/** HTTP of subscribing, confirming and ending a subscription. */
import { inScope } from '../../kit/http/fastify-scope.ts'
import { z } from 'zod'
import { networkOf } from '../../kit/network/network-of.ts'
import { createRateBucket } from '../../kit/bounded/rate-bucket.ts'
import type { WatchCtx } from '../app/context.ts'
import { notFound, WatchError } from '../app/errors.ts'
import { isTimeZone, type ServiceEntry } from '../configuration/index.ts'
import type { WatchApp } from '../http/http.ts'
import { readAsset } from '../pages/assets.ts'
import { answerErrorsWithPages } from '../pages/error-page.ts'
import { serverLinks } from '../pages/links.ts'
import { ServiceParams } from '../pages/pages.routes.ts'
import { acceptForms, fieldOf, formOf, sendPage } from '../pages/send-page.ts'
import { noticeToOne } from './notices.ts'
import { tellOne } from './outbox.ts'
import type { Rhythm } from './rhythm.ts'
import { renderStepPage, renderSubscribePage, type ShownService } from './subscribe-page.ts'
import {
  CHANNELS,
  confirmSubscription,
  findSubscription,
  subscribe,
  subscriptionByLink,
  unsubscribe,
  type Channel,
  type Subscription,
} from './subscriptions.ts'
import type { Telling } from './telling.ts'

const SecretParams = z.object({ id: z.string().max(20), secret: z.string().min(1).max(64) })
const PushSubscriptionInput = z.object({
  endpoint: z.url({ protocol: /^https$/ }).max(1000),
  keys: z.object({
    // 65 and 16 bytes (RFC 8291, 3.1 and 3.2).
    p256dh: z.string().regex(/^[\w-]{87}=?$/, 'takes a public key of 65 bytes in base64url'),
    auth: z.string().regex(/^[\w-]{22}(?:==)?$/, 'takes 16 bytes in base64url'),
  }),
})
const ADDRESSES = {
  email: z.email({ error: 'That is no e-mail address.' }).max(254),
  hook: z
    .url({ protocol: /^https?$/, error: 'A webhook takes an address that begins with https://.' })
    .max(1000),
}

/** What one network may ask for: enough for an office, too little to flood strangers with mail. */
const BURST = 10
const REFILL_MS = 3_600_000
const ONE_CLICK_MAX_BYTES = 16 * 1024
/** One address is asked at most once in this time whether it was its owner. */
const ASK_WINDOW_MS = 6 * 3_600_000

/** Registers all of it. */
export function registerTelling(app: WatchApp, ctx: WatchCtx, telling: Telling): void {
  const bucket = createRateBucket({ burst: BURST, refillMs: REFILL_MS, maxKeys: 20_000, clock: ctx.clock })
  const limit = (address: string): void => {
    const waitMs = bucket.take(networkOf(address))
    if (waitMs > 0) throw new WatchError('too-many-requests', { retryAfterS: Math.ceil(waitMs / 1000) })
  }
  inScope(app, async (scope) => {
    answerErrorsWithPages(scope, ctx)
    acceptForms(scope)
    registerForm(scope, ctx, telling, limit)
    registerConfirmation(scope, ctx)
  })
  inScope(app, async (scope) => {
    answerErrorsWithPages(scope, ctx)
    // RFC 8058, 3.1: mail programs send a form of either kind, and its address says all.
    scope.addContentTypeParser(
      '*',
      { parseAs: 'buffer', bodyLimit: ONE_CLICK_MAX_BYTES },
      (_request, _body, done) => done(null),
    )
    registerEnd(scope, ctx)
  })
  registerPush(app, ctx, telling, limit)
}

function registerForm(
  app: WatchApp,
  ctx: WatchCtx,
  telling: Telling,
  limit: (address: string) => void,
): void {
  const hasMail = ctx.config.telling.smtpUrl !== null
  app.get('/s/:service/subscribe', { schema: { params: ServiceParams } }, (request, reply) => {
    const entry = entryOf(ctx, request.params.service)
    const links = serverLinks(entry.id)
    const vapidPublicKey = telling.vapid.publicKey
    return sendPage(reply, renderSubscribePage({ entry, links, hasMail, vapidPublicKey }))
  })
  app.post('/s/:service/subscribe', { schema: { params: ServiceParams } }, async (request, reply) => {
    limit(request.ip)
    const entry = entryOf(ctx, request.params.service)
    const form = formOf(request)
    const channel = readChannel(form)
    if (channel === 'email' && !hasMail)
      throw new WatchError('invalid-input', { detail: 'This watch has no mail server.' })
    const subscription = await subscribe(ctx, {
      serviceId: entry.id,
      channel,
      address: readAddress(form, channel),
      features: form.getAll('features').slice(0, 500),
      regions: form.getAll('regions').slice(0, 300),
      rhythm: readRhythm(form, entry.timeZone),
    })
    const service = serviceOf(ctx, entry.id)
    if (channel === 'email') {
      if (subscription.confirmedAtMs === null) await ask(ctx, entry, subscription)
      // The same answer whether the address was known or not.
      return sendPage(
        reply,
        renderStepPage({
          service,
          title: 'Look into your mail',
          text: 'If this address is not subscribed yet, a mail with a link is on its way to it. Nothing more comes before the link is used.',
        }),
        { maxAgeS: 0 },
      )
    }
    if (subscription.confirmedAtMs === null) await greet(ctx, telling, subscription)
    return sendPage(
      reply,
      renderStepPage({
        service,
        title: 'The webhook is subscribed',
        text: 'It took the greeting. To end it, let it answer 410, or use the link in the messages.',
        ...(subscription.confirmedAtMs === null && channel === 'webhook' && { secret: subscription.secret }),
      }),
      { maxAgeS: 0 },
    )
  })
}

/** The first of the two opt-ins was the form; this mail asks for the second. */
async function ask(ctx: WatchCtx, entry: ServiceEntry, subscription: Subscription): Promise<void> {
  const nowMs = ctx.clock.now().getTime()
  await tellOne(
    ctx,
    noticeToOne({
      id: `confirm-${subscription.id}-${Math.floor(nowMs / ASK_WINDOW_MS)}`,
      kind: 'confirm',
      serviceId: entry.id,
      serviceName: entry.name,
      title: 'do you want to be told of outages?',
      state: 'Question',
      body: `Somebody, you we hope, asked that outages and maintenance of ${entry.name} be told to this address. If it was you, open:`,
      atMs: nowMs,
    }),
    subscription.id,
  )
}

async function greet(ctx: WatchCtx, telling: Telling, subscription: Subscription): Promise<void> {
  const outcome = await telling.greet(subscription)
  if (outcome.kind !== 'sent') {
    await unsubscribe(ctx, subscription.id, subscription.secret)
    throw new WatchError(
      'invalid-input',
      subscription.channel === 'push'
        ? {
            detail: `The browser’s push service did not take the greeting. ${outcome.error}`,
            next: 'Subscribe again; if it stays, take the feed or e-mail.',
          }
        : {
            detail: `The webhook did not take the greeting. ${outcome.error}`,
            next: 'Check the address, and that it answers a POST with 2xx; then subscribe again.',
          },
    )
  }
  await confirmSubscription(ctx, subscription.id, subscription.secret)
}

/** Its service as the catalogue knows it; one that has left the catalogue has no page, and its id for a name. */
function serviceOf(ctx: WatchCtx, serviceId: string): ShownService {
  const entry = ctx.catalog.find(serviceId)
  return { id: serviceId, name: entry?.name ?? serviceId, hasPage: entry !== undefined }
}

function registerConfirmation(app: WatchApp, ctx: WatchCtx): void {
  // Mail scanners follow links: only the button confirms.
  app.get('/confirm/:id/:secret', { schema: { params: SecretParams } }, (request, reply) => {
    const { id, secret } = request.params
    const service = serviceOf(ctx, findSubscription(ctx, id, secret).serviceId)
    const page = renderStepPage({
      service,
      title: 'Is it you?',
      text: `One more tap, and outages and maintenance of ${service.name} are told to your address.`,
      action: { href: `/confirm/${id}/${secret}`, label: 'Yes, tell me' },
    })
    return sendPage(reply, page, { maxAgeS: 0 })
  })
  app.post('/confirm/:id/:secret', { schema: { params: SecretParams } }, async (request, reply) => {
    const { serviceId } = await confirmSubscription(ctx, request.params.id, request.params.secret)
    const page = renderStepPage({
      service: serviceOf(ctx, serviceId),
      title: 'You will be told',
      text: 'Every message has a link that ends it.',
    })
    return sendPage(reply, page, { maxAgeS: 0 })
  })
}

const ENDED = { title: 'It is ended', text: 'Nothing more comes, and the address is deleted here.' }

/** All of it works whatever has become of the service. */
function registerEnd(app: WatchApp, ctx: WatchCtx): void {
  app.get('/unsubscribe/:id/:secret', { schema: { params: SecretParams } }, (request, reply) => {
    const { id, secret } = request.params
    const subscription = subscriptionByLink(ctx, id, secret)
    const page = subscription
      ? renderStepPage({
          service: serviceOf(ctx, subscription.serviceId),
          title: 'End this subscription?',
          text: 'Nothing more comes, and the address is deleted here.',
          action: { href: `/unsubscribe/${id}/${secret}`, label: 'Yes, end it' },
        })
      : renderStepPage({ service: null, title: ENDED.title, text: 'Nobody is subscribed by this link.' })
    return sendPage(reply, page, { maxAgeS: 0 })
  })
  app.post('/unsubscribe/:id/:secret', { schema: { params: SecretParams } }, async (request, reply) => {
    const { id, secret } = request.params
    const serviceId = subscriptionByLink(ctx, id, secret)?.serviceId
    await unsubscribe(ctx, id, secret)
    const service = serviceId === undefined ? null : serviceOf(ctx, serviceId)
    return sendPage(reply, renderStepPage({ service, ...ENDED }), { maxAgeS: 0 })
  })
}

function registerPush(
  app: WatchApp,
  ctx: WatchCtx,
  telling: Telling,
  limit: (address: string) => void,
): void {
  app.get('/push-worker.js', (_request, reply) =>
    reply
      .type('text/javascript; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(readAsset('push-worker.js')!.body),
  )
  app.post(
    '/api/v1/services/:service/push-subscriptions',
    { schema: { params: ServiceParams, body: PushSubscriptionInput } },
    async (request, reply) => {
      limit(request.ip)
      const entry = entryOf(ctx, request.params.service)
      const rhythm = { digestAt: null, quiet: null, timeZone: entry.timeZone }
      const address = JSON.stringify(request.body)
      const base = { serviceId: entry.id, channel: 'push' as const, address }
      const subscription = await subscribe(ctx, { ...base, features: [], regions: [], rhythm })
      // Without an answer to the greeting, anyone could have any address asked at each outage.
      if (subscription.confirmedAtMs === null) await greet(ctx, telling, subscription)
      return reply.code(201).send({ id: subscription.id })
    },
  )
}

function entryOf(ctx: WatchCtx, serviceId: string): ServiceEntry {
  const entry = ctx.catalog.find(serviceId)
  if (!entry) throw notFound('service', serviceId)
  return entry
}

function readChannel(form: URLSearchParams): Exclude<Channel, 'push'> {
  const channel = z.enum(CHANNELS).exclude(['push']).safeParse(form.get('channel'))
  if (!channel.success) throw new WatchError('invalid-input', { detail: 'Choose how to be told.' })
  return channel.data
}

function readAddress(form: URLSearchParams, channel: Channel): string {
  const parsed = ADDRESSES[channel === 'email' ? 'email' : 'hook'].safeParse(
    fieldOf(form, 'address', 1001) ?? '',
  )
  if (!parsed.success) throw new WatchError('invalid-input', { detail: parsed.error.issues[0]!.message })
  return channel === 'email' ? parsed.data.toLowerCase() : parsed.data
}

function readRhythm(form: URLSearchParams, fallbackZone: string): Rhythm {
  const from = readMinute(form, 'quiet-from')
  const until = readMinute(form, 'quiet-until')
  const timeZone = fieldOf(form, 'time-zone', 64) ?? fallbackZone
  if (!isTimeZone(timeZone))
    throw new WatchError('invalid-input', { detail: `${timeZone} is no time zone; Europe/Berlin is one.` })
  return {
    digestAt: readMinute(form, 'digest-at'),
    quiet: from !== null && until !== null ? { from, until } : null,
    timeZone,
  }
}

function readMinute(form: URLSearchParams, name: string): number | null {
  const match = /^(\d{2}):(\d{2})$/.exec(fieldOf(form, name) ?? '')
  const minute = match ? Number(match[1]) * 60 + Number(match[2]) : null
  return minute !== null && minute < 1440 ? minute : null
}
