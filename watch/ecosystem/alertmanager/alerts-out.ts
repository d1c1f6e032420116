/**
 * Confirmed incidents as alerts of Alertmanagers. They are sent again and again while they are open, as Alertmanager asks
 * of its clients (prometheus.io/docs/alerting/latest/alerts_api), so nothing has to be remembered here.
 */
import { sendGuarded } from '../../../kit/network/guarded-request.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import type { WatchCtx } from '../../app/context.ts'
import { CAUSE_WORDS, declaredWords, statusOf, type IncidentView } from '../../incidents/index.ts'
import { serverLinks } from '../../pages/links.ts'
import { OWN_ALERT_NAME } from './webhook.ts'

const LOOK_EVERY_MS = 2_000
const SEND_EVERY_MS = 60_000
const RETRY_MS = 15_000
const TIMEOUT_MS = 10_000
/** As Prometheus does: an alert that is not repeated has ended with its sender. */
const FIRING_HOLDS_MS = 4 * SEND_EVERY_MS
/** How long an end is repeated, so that each Alertmanager hears of it. */
const END_TOLD_MS = 15 * 60_000
const DESCRIPTION_MAX_LENGTH = 2_000

interface PostedAlert {
  /** They are the alert's identity: nothing among them changes with each update. */
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
}

export interface AlertsOut extends Disposable {
  /** Sends to each Alertmanager whose time has come. Answers how many took it. */
  round(): Promise<number>
}

/** Tells every Alertmanager of the settings until it is disposed; does nothing without one. */
export function startAlertsOut(ctx: WatchCtx): AsyncDisposable {
  const out = createAlertsOut(ctx)
  const repeating = startRepeating({
    intervalMs: LOOK_EVERY_MS,
    work: out.round,
    onError: (error) => ctx.log.error({ err: error }, 'alertmanager.round-failed'),
  })
  return {
    async [Symbol.asyncDispose]() {
      out[Symbol.dispose]()
      await repeating[Symbol.asyncDispose]()
    },
  }
}

/** What is due to whom. */
export function createAlertsOut(ctx: WatchCtx): AlertsOut {
  const dueAtMs = new Map(ctx.config.telling.alertmanagers.map((url) => [url, 0]))
  const listening = ctx.live.onChange((change) => {
    if (change.kind === 'incident' && change.update) for (const url of dueAtMs.keys()) dueAtMs.set(url, 0)
  })

  async function send(url: string, alerts: readonly PostedAlert[]): Promise<boolean> {
    const nowMs = ctx.clock.monotonicMs()
    // Set first: what changes while it is under way makes it due again.
    dueAtMs.set(url, nowMs + SEND_EVERY_MS)
    try {
      await post(url, alerts)
      return true
    } catch (error) {
      dueAtMs.set(url, nowMs + RETRY_MS)
      ctx.log.warn({ err: error, host: new URL(url).host }, 'alertmanager.not-told')
      return false
    }
  }

  async function round(): Promise<number> {
    const due = [...dueAtMs].filter(([, at]) => at <= ctx.clock.monotonicMs()).map(([url]) => url)
    if (due.length === 0) return 0
    const alerts = listAlerts(ctx)
    if (alerts.length === 0) return 0
    const sent = await Promise.all(due.map((url) => send(url, alerts)))
    return sent.filter(Boolean).length
  }

  return { round, [Symbol.dispose]: () => listening[Symbol.dispose]() }
}

/** What is open, and what ended just now. What is only suspected is told to nobody. */
function listAlerts(ctx: WatchCtx): PostedAlert[] {
  const nowMs = ctx.clock.now().getTime()
  return ctx.catalog.services().flatMap((entry) =>
    statusOf(ctx, entry.id)
      .incidents.filter(
        ({ confirmedAtMs, resolvedAtMs, witnesses }) =>
          // What only another watch saw, that one tells.
          (witnesses?.some(({ isSelf }) => isSelf) ?? true) &&
          confirmedAtMs !== null &&
          (resolvedAtMs === null || nowMs - resolvedAtMs <= END_TOLD_MS),
      )
      .map((incident) => toAlert(ctx, incident, entry.name, nowMs)),
  )
}

function toAlert(ctx: WatchCtx, incident: IncidentView, serviceName: string, nowMs: number): PostedAlert {
  const origin = ctx.config.publicUrl ?? `http://localhost:${ctx.config.port}`
  return {
    labels: {
      alertname: OWN_ALERT_NAME,
      service: incident.serviceId,
      incident: incident.id,
      watch: ctx.config.id,
      severity: incident.impact === 'critical' || incident.impact === 'major' ? 'critical' : 'warning',
    },
    annotations: {
      summary: `${serviceName}: ${incident.title}`,
      description: (incident.updates[0]?.body ?? '').slice(0, DESCRIPTION_MAX_LENGTH),
      features: incident.featureIds.join(', '),
      regions: incident.regions.join(', '),
      ...(incident.declared
        ? { cause: declaredWords(incident.declared) }
        : incident.cause !== 'unknown' && { cause: CAUSE_WORDS[incident.cause] }),
    },
    startsAt: new Date(incident.startedAtMs).toISOString(),
    endsAt: new Date(incident.resolvedAtMs ?? nowMs + FIRING_HOLDS_MS).toISOString(),
    generatorURL: serverLinks(incident.serviceId, origin).incident(incident.id),
  }
}

async function post(base: string, alerts: readonly PostedAlert[]): Promise<void> {
  const url = new URL(base)
  const { username, password } = url
  url.username = ''
  url.password = ''
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const { status } = await sendGuarded({
    url: `${url.href.replace(/\/$/, '')}/api/v2/alerts`,
    method: 'POST',
    body: JSON.stringify(alerts),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Upbeat-Watch/1',
      ...(username && { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }),
    },
    timeoutMs: TIMEOUT_MS,
    maxBodyBytes: 4_096,
    // Who runs the watch named it, and it mostly stands beside it.
    allowPrivate: true,
  })
  if (status < 200 || status > 299) throw new Error(`The Alertmanager answers ${status}.`)
}
