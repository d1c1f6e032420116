/** The page of a closed region: no script, nothing to load. */
import { createHash } from 'node:crypto'
import { escapeHtml } from '../../../kit/http/escape-html.ts'

const STYLES = `
:root{color-scheme:light dark}
body{margin:0;min-height:100svh;display:grid;place-items:center;background:#fff;color:#14141a;font:17px/1.5 system-ui,sans-serif}
main{box-sizing:border-box;width:100%;max-width:34rem;padding:32px 24px}
.name{margin:0 0 40px;font-weight:700}
h1{margin:0 0 12px;font-size:1.75rem;line-height:1.2;text-wrap:balance}
blockquote{margin:24px 0;padding:12px 16px;border-inline-start:3px solid #6d4aff;background:#f4f2fb;overflow-wrap:anywhere}
p{margin:0 0 12px}
.soft{color:#55555f}
a{color:inherit}
@media(prefers-color-scheme:dark){body{background:#0c0c10;color:#f3f3f6}blockquote{background:#1a1826}.soft{color:#a5a5b0}}
`

/** What the page may do: nothing but look like this. */
export const CLOSED_PAGE_POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLES).digest('base64')}'`

export interface ClosedPage {
  readonly instanceName: string
  readonly watchUrl: string | null
  readonly reason: string
  readonly isReopening: boolean
}

export function renderClosedPage({ instanceName, watchUrl, reason, isReopening }: ClosedPage): string {
  const name = escapeHtml(instanceName)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Closed in your region · ${name}</title>
<style>${STYLES}</style>
<main>
<p class="name">${name}</p>
<h1>Closed in your region</h1>
<blockquote>${escapeHtml(reason)}</blockquote>
<p>This is no fault of your device, and nothing of yours is lost: your account, your videos and your drafts are kept.</p>
<p class="soft">${
    isReopening
      ? 'The region is opening again, for some people first and soon for all. Try again later.'
      : 'It opens again when the reason is gone.'
  }</p>
${watchUrl === null ? '' : `<p><a href="${escapeHtml(watchUrl)}">How ${name} fares elsewhere</a></p>`}
</main>
</html>
`
}
