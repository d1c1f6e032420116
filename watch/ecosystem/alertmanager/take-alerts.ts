/**
 * Alerts of the service's own monitoring, as evidence: they are the service's word on itself. Word alone opens no outage
 * and closes none (engines/detect), it adds to what the watch sees.
 */
import { z } from 'zod'
import type { WordSample } from '../../../engines/detect/types.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { auditStatement } from '../../incidents/index.ts'
import { keepStatement, readKept, type Statement } from '../../store/index.ts'
import { readAlert, type AlertsInput, type Severity } from './webhook.ts'

/** As long as the detector believes a word: who does not repeat an alert does not hold it any more. */
const HOLDS_MS = 30 * 60_000
/** Of one service; more are no longer told apart. */
const FIRING_MAX = 5_000
const SEVERITY_ORDER: readonly Severity[] = ['degraded', 'partial', 'major']

const Firing = z.array(
  z.object({
    fingerprint: z.string(),
    featureId: z.string().nullable(),
    severity: z.enum(['degraded', 'partial', 'major']),
    toldAtMs: z.number(),
  }),
)
type Firing = z.infer<typeof Firing>

export interface TakenAlerts {
  readonly firing: number
  readonly resolved: number
  /** Those that inform, and those of the watch itself. */
  readonly ignored: number
  /** Features that were named and do not exist: their alerts count for nothing. */
  readonly unknown: readonly string[]
}

export interface AlertTaker {
  /** `write` puts the statements on the disk, once: it may refuse a message that was taken before. */
  take(
    entry: ServiceEntry,
    input: {
      readonly alerts: AlertsInput
      readonly keyId: string
      readonly write: (statements: readonly Statement[]) => Promise<void>
    },
  ): Promise<TakenAlerts>
}

/** Takes messages of one service one after the other: each changes what the ones before it left. */
export function createAlertTaker(ctx: WatchCtx, observe: (sample: WordSample) => void): AlertTaker {
  const last = new Map<string, Promise<unknown>>()
  return {
    async take(entry, input) {
      const before = last.get(entry.id)
      const taken = (async () => {
        await before?.catch(() => {})
        return takeOne(ctx, entry, input, observe)
      })()
      last.set(entry.id, taken)
      return taken.finally(() => last.get(entry.id) === taken && last.delete(entry.id))
    },
  }
}

async function takeOne(
  ctx: WatchCtx,
  entry: ServiceEntry,
  input: Parameters<AlertTaker['take']>[1],
  observe: (sample: WordSample) => void,
): Promise<TakenAlerts> {
  const nowMs = ctx.clock.now().getTime()
  const before = readFiring(ctx, entry.id).filter(({ toldAtMs }) => nowMs - toldAtMs <= HOLDS_MS)
  const known = new Set(entry.features.map(({ id }) => id))
  const unknown = new Set<string>()
  const touched = new Set<string | null>()
  const firing = new Map(before.map((alert) => [alert.fingerprint, alert]))
  const count = { firing: 0, resolved: 0, ignored: 0 }
  for (const one of input.alerts.alerts) {
    const alert = readAlert(one)
    if (!alert) count.ignored++
    else if (alert.featureId !== null && !known.has(alert.featureId)) unknown.add(alert.featureId)
    else {
      const { fingerprint, featureId, severity, isFiring } = alert
      touched.add(featureId)
      count[isFiring ? 'firing' : 'resolved']++
      if (!isFiring) firing.delete(fingerprint)
      else if (firing.has(fingerprint) || firing.size < FIRING_MAX)
        firing.set(fingerprint, { fingerprint, featureId, severity, toldAtMs: nowMs })
    }
  }
  const after = [...firing.values()]
  await input.write([
    firingStatement(entry.id, after, nowMs),
    // Alertmanager repeats itself; the log tells changes.
    ...(isSame(before, after)
      ? []
      : [
          auditStatement(ctx, {
            actor: { kind: 'key', id: input.keyId },
            action: 'push-alerts',
            subject: entry.id,
            facts: { firing: after.length, before: before.length },
          }),
        ]),
  ])
  for (const featureId of touched)
    observe({ kind: 'word', serviceId: entry.id, atMs: nowMs, featureId, status: worstOn(after, featureId) })
  return { ...count, unknown: [...unknown].slice(0, 20) }
}

function worstOn(firing: Firing, featureId: string | null): WordSample['status'] {
  const ranks = firing
    .filter((alert) => alert.featureId === featureId)
    .map(({ severity }) => SEVERITY_ORDER.indexOf(severity))
  return ranks.length > 0 ? SEVERITY_ORDER[Math.max(...ranks)]! : 'operational'
}

function isSame(before: Firing, after: Firing): boolean {
  const ids = new Set(before.map(({ fingerprint }) => fingerprint))
  return before.length === after.length && after.every(({ fingerprint }) => ids.has(fingerprint))
}

const nameOf = (serviceId: string): string => `alerts/${serviceId}`

function readFiring(ctx: WatchCtx, serviceId: string): Firing {
  const value = readKept(ctx.store, nameOf(serviceId))
  return value === undefined ? [] : Firing.parse(JSON.parse(value))
}

const firingStatement = (serviceId: string, firing: Firing, nowMs: number): Statement =>
  keepStatement({ name: nameOf(serviceId), value: JSON.stringify(firing), nowMs })
