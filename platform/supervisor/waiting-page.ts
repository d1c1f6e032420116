/**
 * What a person sees who opens the app while nobody is there to serve it: one page without code or further files, as each
 * of them would wait at the same door.
 */
import { createHash } from 'node:crypto'
import { escapeHtml } from '../../kit/http/escape-html.ts'

export interface WaitingPage {
  readonly instanceName: string
  /** What is the matter, as a sentence. */
  readonly detail: string
  /** Where the watch tells more; null: unknown. */
  readonly watchPageUrl: string | null
  /** When the page looks again by itself. */
  readonly retryAfterS: number
}

/** The app's own colours (web/src/lib/ui/tokens.css). */
const STYLES = `
:root{color-scheme:dark}
*{box-sizing:border-box}
body{display:grid;place-items:center;min-height:100vh;min-height:100dvh;margin:0;padding:32px 24px;background:#0d0c12;color:#b9b5c4;font:400 1rem/1.5 Figtree,ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:460px}
svg{display:block;margin-bottom:24px}
h1{margin:0 0 16px;color:#f6f3ee;font-size:1.75rem;line-height:1.2;letter-spacing:-.01em;text-wrap:balance}
p{margin:0 0 12px}
b{color:#f6f3ee;font-weight:600}
nav{display:flex;flex-wrap:wrap;gap:12px;margin-top:28px}
a{display:inline-flex;align-items:center;justify-content:center;min-height:48px;padding:8px 24px;border:1px solid #7c7891;border-radius:999px;background:#1f1d28;color:#f6f3ee;font-weight:600;text-decoration:none}
a.main{border-color:#ffc857;background:#ffc857;color:#231800;font-weight:700}
a:hover{background:#2a2835}
a.main:hover{background:#ffd680}
a:focus-visible{outline:2px solid #9cc7ff;outline-offset:3px}
@media (max-width:479px){a{flex:1 1 100%}}
`

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLES).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Renders the page, and the content security policy that goes with it. */
export function renderWaitingPage(page: WaitingPage): { html: string; policy: string } {
  const name = escapeHtml(page.instanceName)
  const watchLink =
    page.watchPageUrl === null
      ? ''
      : `\n<a href="${escapeHtml(page.watchPageUrl)}">See what is known about it</a>`
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="theme-color" content="#0d0c12">
<meta name="robots" content="noindex">
<meta http-equiv="refresh" content="${page.retryAfterS}">
<title>${name} can’t answer right now</title>
<style>${STYLES}</style>
</head>
<body>
<main>
<svg width="56" height="56" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="10" fill="#ffc857"/><path d="M6.5 19.5h4l2.8-6 4 9.5 3.3-14.5 1.4 5.5h3.5" fill="none" stroke="#231800" stroke-width="2.7" stroke-linecap="round" stroke-linejoin="round"/></svg>
<h1>${name} can’t answer right now</h1>
<p>${escapeHtml(page.detail)} This is on our side: your device and your connection are fine.</p>
<p><b>Nothing of yours is lost.</b> What you saved and posted is kept, and an upload goes on where it stopped.</p>
<p>You need do nothing: this page tries again by itself every few seconds, and shows you the app as soon as it is back.</p>
<nav aria-label="What you can do">
<a class="main" href="">Try now</a>${watchLink}
</nav>
</main>
</body>
</html>
`
  return { html, policy: POLICY }
}
