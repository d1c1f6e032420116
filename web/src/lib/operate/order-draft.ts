/** An order while it is filled in: what was chosen, and the order that it makes once nothing is missing. */
import type { Feature, Maintenance } from '#lib/api/types.ts'
import { t } from './texts.ts'
import type { OperatorOrder, RoleName } from './types.ts'

/** What the dialog asks for; `ready` only to be confirmed. */
export type OrderAsk =
  | { readonly kind: 'level' }
  | { readonly kind: 'pause'; readonly feature: Feature | null }
  | { readonly kind: 'maintenance'; readonly maintenance: Maintenance | null }
  | { readonly kind: 'restart' }
  | { readonly kind: 'release'; readonly type: 'end-release' | 'return-code' }
  | { readonly kind: 'document'; readonly document: string }
  | { readonly kind: 'ready'; readonly order: OperatorOrder }

export type MaintenanceStep = 'announce' | 'begin' | 'end' | 'cancel'

export const DURATIONS_S = [300, 900, 3600, 14_400, 86_400, 604_800] as const

export interface OrderDraft {
  level: number
  forS: (typeof DURATIONS_S)[number]
  reason: string
  feature: Feature
  role: RoleName | 'all'
  step: MaintenanceStep
  /** As `<input type="datetime-local">` has them. */
  from: string
  to: string
  text: string
  isDespiteProblems: boolean
}

const REASON_MIN_LENGTH = 3
const MAINTENANCE_MAX_MS = 24 * 3_600_000
const HOUR_MS = 3_600_000

/** What can be done about maintenance as it stands. */
export function stepsOf(maintenance: Maintenance | null): readonly MaintenanceStep[] {
  if (!maintenance) return ['announce', 'begin']
  return maintenance.state === 'announced' ? ['begin', 'cancel', 'announce'] : ['end']
}

export function beginDraft(ask: OrderAsk, nowMs: number): OrderDraft {
  const nextHourMs = Math.ceil((nowMs + HOUR_MS / 2) / HOUR_MS) * HOUR_MS
  return {
    level: 1,
    forS: 900,
    reason: '',
    feature: (ask.kind === 'pause' ? ask.feature : null) ?? 'comments',
    role: 'all',
    step: stepsOf(ask.kind === 'maintenance' ? ask.maintenance : null)[0]!,
    from: toLocal(nextHourMs),
    to: toLocal(nextHourMs + HOUR_MS),
    text: '',
    isDespiteProblems: false,
  }
}

/** The order as it would be given; `missing` says what is still to be filled in, null when nothing is. */
export function readDraft(
  ask: OrderAsk,
  draft: OrderDraft,
): { order: OperatorOrder; missing: string | null } {
  const reason = draft.reason.trim()
  const missingReason = reason.length < REASON_MIN_LENGTH ? t('order.reasonShort') : null
  switch (ask.kind) {
    case 'ready':
      return { order: ask.order, missing: null }
    case 'level':
      return {
        order: { type: 'set-level', level: draft.level, reason, forS: draft.forS },
        missing: missingReason,
      }
    case 'pause':
      return {
        order: { type: 'pause-feature', feature: draft.feature, reason, forS: draft.forS },
        missing: missingReason,
      }
    case 'restart':
      return { order: { type: 'restart-role', role: draft.role }, missing: null }
    case 'release':
      return { order: { type: ask.type, reason }, missing: missingReason }
    case 'document':
      return { order: { type: 'return-document', kind: ask.document, reason }, missing: missingReason }
    case 'maintenance':
      return readMaintenance(draft)
  }
}

function readMaintenance(draft: OrderDraft): { order: OperatorOrder; missing: string | null } {
  if (draft.step === 'begin')
    return { order: { type: 'begin-maintenance', level: draft.level }, missing: null }
  if (draft.step === 'end')
    return { order: { type: 'end-maintenance', isDespiteProblems: draft.isDespiteProblems }, missing: null }
  if (draft.step === 'cancel') return { order: { type: 'cancel-maintenance' }, missing: null }
  const [fromMs, toMs] = [Date.parse(draft.from), Date.parse(draft.to)]
  const isWrong = !(toMs > fromMs && toMs - fromMs <= MAINTENANCE_MAX_MS)
  const text = draft.text.trim()
  const order: OperatorOrder = {
    type: 'announce-maintenance',
    startsAt: isWrong ? '' : new Date(fromMs).toISOString(),
    endsAt: isWrong ? '' : new Date(toMs).toISOString(),
    text,
  }
  const missingText = text.length < REASON_MIN_LENGTH ? t('order.reasonShort') : null
  return { order, missing: isWrong ? t('order.timesWrong') : missingText }
}

/** "2026-11-24T14:00" in this device's time zone. */
function toLocal(atMs: number): string {
  const at = new Date(atMs)
  return new Date(atMs - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}
