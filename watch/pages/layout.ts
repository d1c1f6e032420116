/** What every page has around it: head, brand, ways to the other pages, foot. */
import type { Links } from './links.ts'
import { html, toText, trusted, type Html, type HtmlValue } from './html.ts'
import { contentSecurityPolicy, styleSheet } from './theme.ts'

export interface PageInput {
  readonly title: string
  readonly description?: string
  readonly serviceName: string | null
  readonly links: Links
  /** Which of the ways above the page is on. */
  readonly current?: 'status' | 'history' | 'check' | 'subscribe' | 'report'
  readonly body: Html
  /** File names of scripts among the assets; the page has to be complete without them. */
  readonly scripts?: readonly string[]
  /** Whether search engines may keep it. @default true */
  readonly isIndexed?: boolean
  /** The policy goes into the page itself, for a host that sends no headers of ours. @default false */
  readonly isStandalone?: boolean
}

/** Pictures that stand beside words, never for them. 20 × 20. */
const ICONS: Readonly<Record<string, string>> = {
  ok: '<circle cx="10" cy="10" r="9" fill="currentColor" opacity=".22"/><path d="m6 10.4 2.7 2.7L14.2 7.4" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>',
  warn: '<path d="M10 2.2 18.6 17H1.4z" fill="currentColor" opacity=".22"/><path d="M10 7.5v4.2m0 2.6v.1" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
  part: '<circle cx="10" cy="10" r="9" fill="currentColor" opacity=".22"/><path d="M10 1a9 9 0 0 1 0 18z" fill="currentColor"/>',
  down: '<rect x="1.5" y="1.5" width="17" height="17" rx="4" fill="currentColor" opacity=".22"/><path d="m6.5 6.5 7 7m0-7-7 7" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
  maint:
    '<circle cx="10" cy="10" r="9" fill="currentColor" opacity=".22"/><path d="M10 5.5V10l3 2" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>',
  unknown:
    '<circle cx="10" cy="10" r="8" fill="none" stroke="currentColor" stroke-width="1.6" stroke-dasharray="3 3"/><path d="M7.9 7.8a2.2 2.2 0 1 1 3.2 2c-.7.4-1.1.8-1.1 1.7m0 2.3v.1" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round"/>',
}

const ICON_OF: Readonly<Record<string, string>> = {
  operational: 'ok',
  up: 'ok',
  none: 'ok',
  degraded_performance: 'warn',
  suspected: 'warn',
  minor: 'warn',
  partial_outage: 'part',
  recovering: 'part',
  major: 'part',
  major_outage: 'down',
  down: 'down',
  critical: 'down',
  under_maintenance: 'maint',
  maintenance: 'maint',
  closed: 'maint',
}

/** The picture of a status, state or indicator; it is decoration, so words have to stand beside it. */
export const icon = (key: string): Html =>
  trusted(`<svg class="ico" aria-hidden="true"><use href="#i-${ICON_OF[key] ?? 'unknown'}"/></svg>`)

const SPRITE = trusted(
  `<svg hidden>${Object.entries(ICONS)
    .map(([name, shape]) => `<symbol id="i-${name}" viewBox="0 0 20 20">${shape}</symbol>`)
    .join('')}</svg>`,
)

/** A wave that beats: the watch's sign. */
const MARK = trusted(
  '<svg width="28" height="28" viewBox="0 0 28 28" aria-hidden="true"><rect width="28" height="28" rx="9" fill="#ffc857"/><path d="M5 15h4l2.5-7 4.5 12 2.5-7H23" fill="none" stroke="#231800" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>',
)

/** `frame-ancestors` counts in a header only (CSP3, 6.4.2). */
const policyForMeta = contentSecurityPolicy().replace("; frame-ancestors 'none'", '')

/** Not a template: the policy knows these very bytes by their hash. */
const STYLE = trusted(`<style>${styleSheet}</style>`)

/** Renders a whole document. */
export function renderPage(input: PageInput): string {
  const { links, current } = input
  const way = (key: PageInput['current'], href: string, words: string) =>
    html`<a href="${href}" ${key === current && trusted(' aria-current="page"')}>${words}</a>`
  const ways: HtmlValue = input.serviceName !== null && [
    way('check', links.diagnosis(), 'Is it me?'),
    way('history', links.history(), 'History'),
    way('subscribe', links.subscribe(), 'Subscribe'),
  ]
  const scripts = (input.scripts ?? []).map((name) => {
    const src = links.asset(name)
    return src !== null && html`<script type="module" src="${src}"></script>`
  })
  const policy =
    input.isStandalone && html`<meta http-equiv="content-security-policy" content="${policyForMeta}" />`
  return toText(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          ${policy}
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>${input.title}</title>
          ${input.description && html`<meta name="description" content="${input.description}" />`}${input.isIndexed === false && trusted('<meta name="robots" content="noindex">')}
          <meta name="color-scheme" content="dark" />
          ${input.serviceName !== null && html`<link rel="alternate" type="application/atom+xml" title="${input.serviceName}: incidents" href="${links.feed('atom')}" />`}
          <link
            rel="icon"
            href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 28 28'%3E%3Crect width='28' height='28' rx='9' fill='%23ffc857'/%3E%3Cpath d='M5 15h4l2.5-7 4.5 12 2.5-7H23' fill='none' stroke='%23231800' stroke-width='2.6'/%3E%3C/svg%3E"
          />
          ${STYLE} ${scripts}
        </head>
        <body>
          ${SPRITE}
          <a class="skip" href="#main">Skip to the content</a>
          <header class="wrap top">
            <a class="brand" href="${input.serviceName === null ? links.services() : links.status()}"
              >${MARK}<span>${input.serviceName ?? 'Upbeat watch'}</span></a
            >
            <nav aria-label="Pages">${ways}</nav>
          </header>
          <main id="main" class="wrap" tabindex="-1">${input.body}</main>
          <footer>
            <div class="wrap">
              <span>Watched from outside by Upbeat’s watch.</span
              >${input.serviceName !== null && html`<a href="${links.services()}">All services</a><a href="${links.feed('rss')}">RSS</a><a href="${links.feed('atom')}">Atom</a><a href="${links.statusJson()}">JSON</a>`}
            </div>
          </footer>
        </body>
      </html> `,
  )
}
