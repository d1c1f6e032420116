/** Alertmanager's webhook, version 4 (prometheus.io/docs/alerting/latest/configuration/#webhook_config), and what it says. Pure. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { WordSample } from '../../../engines/detect/types.ts'

export const ALERTS_MAX = 1_000
/** What the watch calls its own alerts, so that they are no evidence when they come back. */
export const OWN_ALERT_NAME = 'UpbeatOutage'

const Labels = z.record(z.string().max(200), z.string().max(4_000))

const Alert = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: Labels,
  /** Of the labels; older versions have none. */
  fingerprint: z.string().min(1).max(64).optional(),
})

export const AlertsInput = z.object({
  version: z.literal('4', { error: 'takes "4", the version of Alertmanager’s webhook that is understood' }),
  groupKey: z.string().max(4_000).optional(),
  truncatedAlerts: z.number().int().min(0).default(0),
  alerts: z.array(Alert).max(ALERTS_MAX),
})
export type AlertsInput = z.infer<typeof AlertsInput>
type Alert = z.infer<typeof Alert>

export type Severity = Extract<WordSample['status'], 'degraded' | 'partial' | 'major'>

/** By the label `severity`; any other one is `partial`, as is none. Null: it is meant to inform, not to alarm. */
const SEVERITIES: Readonly<Record<string, Severity | null>> = {
  critical: 'major',
  page: 'major',
  error: 'partial',
  warning: 'degraded',
  warn: 'degraded',
  info: null,
  none: null,
}

export interface ReadAlert {
  readonly fingerprint: string
  readonly isFiring: boolean
  readonly severity: Severity
  /** What the label `feature` names; null: the service as a whole. */
  readonly featureId: string | null
}

/** What an alert says of the service; null: nothing that counts here. */
export function readAlert({ status, labels, fingerprint }: Alert): ReadAlert | null {
  if (labels['alertname'] === OWN_ALERT_NAME) return null
  const named = labels['severity']?.toLowerCase() ?? ''
  const severity = Object.hasOwn(SEVERITIES, named) ? (SEVERITIES[named] ?? null) : 'partial'
  if (severity === null) return null
  return {
    fingerprint: fingerprint ?? hashOf(labels),
    isFiring: status === 'firing',
    severity,
    featureId: labels['feature'] || null,
  }
}

function hashOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32)
}
