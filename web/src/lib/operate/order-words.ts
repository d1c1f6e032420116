/** An order in words: what its button says, and what it will do, before it is given. */
import { t as service } from '#lib/service/texts.ts'
import { formatSeconds } from './figures.ts'
import { t } from './texts.ts'
import type { AuditEntry, OperatorOrder, OrderGiver } from './types.ts'

/** "Pause Comments": the name of an order, for its button and for the log. */
export function nameOrder(order: AuditEntry['order']): string {
  switch (order.type) {
    case 'set-level':
      return t('do.set-level', { level: order.level })
    case 'pause-feature':
    case 'resume-feature':
      return t(`do.${order.type}`, { feature: service(`feature.${order.feature}`) })
    case 'restart-role':
    case 'hold-role':
    case 'release-role':
      return t(`do.${order.type}`, { role: t(`role.${order.role}`) })
    case 'release-document':
    case 'return-document':
      return t(`do.${order.type}`, { kind: order.kind })
    case 'release-code':
      return t('do.release-code', { label: order.label })
    case 'breach':
      return t('do.breach', { step: order.step, reason: order.reason })
    case 'block-network':
    case 'unblock-network':
      return t(`do.${order.type}`, { network: order.network })
    case 'bar-shape':
    case 'free-shape':
      return t(`do.${order.type}`, { shape: order.shape })
    case 'expire':
      return t('do.expire', { what: order.what })
    default:
      return t(`do.${order.type}`)
  }
}

/** What an order will do to people and to the service. */
export function effectOf(order: OperatorOrder): string {
  switch (order.type) {
    case 'set-level':
      if (order.level === 0) return t('effect.set-level.0')
      return t('effect.set-level', {
        level: order.level,
        meaning: t(`level.${order.level as 1 | 2 | 3 | 4 | 5}`),
        span: formatSeconds(order.forS),
      })
    case 'pause-feature':
      return t('effect.pause-feature', {
        feature: service(`feature.${order.feature}`),
        span: formatSeconds(order.forS),
      })
    case 'resume-feature':
      return t('effect.resume-feature', { feature: service(`feature.${order.feature}`) })
    case 'begin-maintenance':
      return t('effect.begin-maintenance', { level: order.level })
    case 'end-maintenance':
      return t(order.isDespiteProblems ? 'effect.end-maintenance.despite' : 'effect.end-maintenance')
    case 'restart-role':
      return t(order.role === 'all' ? 'effect.restart-role.all' : 'effect.restart-role')
    case 'hold-role':
      return t(`effect.hold-role.${order.role}`)
    case 'release-document':
      return t('effect.release-document', { kind: order.kind })
    case 'block-network':
      return t('effect.block-network', { network: order.network, span: formatSeconds(order.forS) })
    case 'unblock-network':
      return t('effect.unblock-network', { network: order.network })
    case 'bar-shape':
      return t('effect.bar-shape', { shape: order.shape, span: formatSeconds(order.forS) })
    case 'free-shape':
      return t('effect.free-shape', { shape: order.shape })
    default:
      return t(`effect.${order.type}`)
  }
}

/** Orders that take something away from people look like it. */
export function takesAway(order: OperatorOrder): boolean {
  if (order.type === 'set-level') return order.level > 0
  return ['pause-feature', 'begin-maintenance', 'hold-role'].includes(order.type)
}

export function nameGiver(who: OrderGiver): string {
  if (who.kind === 'operator') return `@${who.handle}`
  return who.kind === 'command-line' ? t('audit.commandLine', { user: who.user }) : t('audit.upbeat')
}
