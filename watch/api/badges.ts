/** Badges for READMEs and pages: a small SVG with the state in words. */
import type { ComponentView, StatusView } from '../incidents/index.ts'
import { escapeHtml } from '../pages/html.ts'
import { formatShare } from '../pages/format.ts'
import { indicatorWords, lookOf } from '../pages/words.ts'

const COLOURS: Readonly<Record<string, string>> = {
  operational: '#1f7a52',
  up: '#1f7a52',
  degraded_performance: '#8a5a00',
  suspected: '#8a5a00',
  partial_outage: '#a34a00',
  recovering: '#a34a00',
  major_outage: '#b3261e',
  under_maintenance: '#2b5fa8',
  closed: '#2b5fa8',
}
const GREY = '#5f5b70'
const INDICATOR_KEYS = {
  none: 'operational',
  minor: 'degraded_performance',
  major: 'partial_outage',
  critical: 'major_outage',
  maintenance: 'under_maintenance',
} as const

const LABEL_MAX = 60

/** The whole service. */
export function renderServiceBadge(view: StatusView): string {
  const isKnown = !view.isBlind && view.asOfMs !== null
  const key = isKnown || view.indicator !== 'none' ? INDICATOR_KEYS[view.indicator] : 'unknown'
  return renderBadge(
    view.service.name,
    key === 'unknown' ? 'unknown' : indicatorWords(view.indicator).toLowerCase(),
    COLOURS[key] ?? GREY,
  )
}

/** One component. */
export function renderComponentBadge(component: ComponentView): string {
  const { key, words } = lookOf(component)
  return renderBadge(component.name, words.toLowerCase(), COLOURS[key] ?? GREY)
}

/** The share of ninety days that a component worked; unknown is grey, not 0 %. */
export function renderUptimeBadge(name: string, uptime: number | null): string {
  const colour = uptime === null ? GREY : uptime >= 0.999 ? '#1f7a52' : uptime >= 0.99 ? '#8a5a00' : '#b3261e'
  return renderBadge(name, `${formatShare(uptime)}${uptime === null ? '' : ' up'}`, colour)
}

function renderBadge(label: string, message: string, colour: string): string {
  const left = shorten(label)
  const leftWidth = widthOf(left)
  const rightWidth = widthOf(message)
  const width = leftWidth + rightWidth
  const title = escapeHtml(`${left}: ${message}`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="22" role="img" aria-label="${title}"><title>${title}</title><clipPath id="r"><rect width="${width}" height="22" rx="6"/></clipPath><g clip-path="url(#r)"><rect width="${leftWidth}" height="22" fill="#24222e"/><rect x="${leftWidth}" width="${rightWidth}" height="22" fill="${colour}"/></g><g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11"><text x="9" y="15" textLength="${leftWidth - 18}" lengthAdjust="spacingAndGlyphs">${escapeHtml(left)}</text><text x="${leftWidth + 9}" y="15" textLength="${rightWidth - 18}" lengthAdjust="spacingAndGlyphs">${escapeHtml(message)}</text></g></svg>`
}

const shorten = (text: string): string =>
  text.length <= LABEL_MAX ? text : `${text.slice(0, LABEL_MAX - 1).trimEnd()}…`

/** Verdana at 11 px, near enough: the text is stretched to fit. */
const widthOf = (text: string): number => 18 + Math.round([...text].length * 6.6)
