/** The look of every page of the watch: one style sheet inside each page, so that a page is one file anywhere. */
import { createHash } from 'node:crypto'

/** Colours are the app's own (web/src/lib/ui/tokens.css); each pair of words and ground has a contrast of at least 4.5. */
const STYLES = `
:root{color-scheme:dark;--bg:#0d0c12;--surface:#16151d;--raised:#1f1d28;--line:#2c2a37;--line2:#7c7891;--text:#f6f3ee;--soft:#b9b5c4;--faint:#9a96a8;--accent:#ffc857;--on-accent:#231800;--good:#5ddba4;--warn:#ffc76b;--part:#ff9d5c;--bad:#ff7d7d;--maint:#9cc7ff;--none:#55516a}
*,*::before,*::after{box-sizing:border-box}
html{background:var(--bg);color:var(--text);font:400 100%/1.5 Figtree,ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh}
h1,h2,h3,p,ul,ol,dl,dd,figure,fieldset,table{margin:0;padding:0;border:0}
ul,ol{list-style:none}
h1,h2,h3{line-height:1.2;letter-spacing:-.01em;text-wrap:balance;font-weight:700}
h1{font-size:1.75rem}h2{font-size:1.15rem}h3{font-size:1rem}
a{color:var(--accent);text-underline-offset:3px}
:focus-visible{outline:2px solid var(--maint);outline-offset:2px;border-radius:6px}
svg{display:block}
[hidden]{display:none!important}
.vh{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:fixed;top:-99px;left:16px;padding:12px 16px;border-radius:12px;background:var(--accent);color:var(--on-accent);font-weight:700;z-index:9}
.skip:focus{top:12px}
.wrap{max-width:860px;margin:0 auto;padding:0 20px}
.top{display:flex;flex-wrap:wrap;align-items:center;gap:4px 20px;padding-top:20px;padding-bottom:20px}
.brand{display:flex;align-items:center;gap:10px;margin-right:auto;min-height:44px;color:var(--text);font-weight:700;font-size:1.125rem;text-decoration:none}
.top nav{display:flex;flex-wrap:wrap;gap:0 18px}
.top nav a{display:inline-flex;align-items:center;min-height:44px;color:var(--soft);text-decoration:none}
.top nav a:hover,.top nav a[aria-current]{color:var(--text);text-decoration:underline}
main.wrap{outline:0;padding-bottom:56px}
section{margin-top:40px}
section>h2{margin-bottom:14px}
.card{background:var(--surface);border:1px solid var(--line);border-radius:18px;padding:20px}
.card+.card{margin-top:14px}
.card>h2{font-size:1.35rem}.card>h3:not(:first-child){margin-top:18px}.card>p+p,.card>h2+p,.card>.row+p{margin-top:8px}.card>.tl:first-child{margin-top:0}.tl+.sub{margin-top:16px!important}ul.card{padding-top:6px;padding-bottom:6px}
.comp h3 a,.inc h3 a{color:var(--text);text-decoration-color:var(--line2)}
.hero{display:grid;grid-template-columns:auto 1fr;gap:6px 16px;align-items:center;padding:24px 22px;border-left:4px solid var(--c,var(--none))}
.hero h1{text-wrap:pretty}
.hero p{grid-column:2;color:var(--soft)}
.note+.card{margin-top:14px}.note{margin-top:14px;padding:14px 18px;border-radius:14px;background:#3b2d10;color:#ffe2a6}
.acts{display:flex;flex-wrap:wrap;gap:10px;margin-top:16px}
.btn{display:inline-flex;align-items:center;justify-content:center;gap:8px;min-height:46px;padding:8px 20px;border:1px solid var(--line2);border-radius:999px;background:var(--raised);color:var(--text);font:inherit;font-weight:600;text-decoration:none;cursor:pointer}
.btn:hover{background:#2a2835}
.btn.main{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
.btn.main:hover{background:#ffd680}
.btn[aria-current]{border-color:var(--accent)}.grow{flex:1 1 220px;min-width:0}.grow+.btn{align-self:end}form.acts:first-child{margin-top:0}
.btn.small{min-height:44px;padding:4px 16px;font-size:.9rem}
.btn[aria-busy=true]{opacity:.75}
.s-operational,.s-up{--c:var(--good)}.s-degraded_performance,.s-suspected{--c:var(--warn)}.s-partial_outage,.s-recovering{--c:var(--part)}.s-major_outage,.s-down{--c:var(--bad)}.s-under_maintenance,.s-maintenance,.s-closed{--c:var(--maint)}.s-unknown{--c:var(--faint)}
.st{color:var(--c);font-weight:600;white-space:nowrap}
.ico{width:20px;height:20px;flex:none;color:var(--c,var(--faint))}
.hero .ico{width:34px;height:34px}
.comp{padding:16px 0}
.comp+.comp{border-top:1px solid var(--line)}
.comp .row{display:flex;align-items:center;gap:10px}
.comp h3{margin-right:auto;font-weight:600}
.sub{color:var(--soft);font-size:.9rem}
.faint{color:var(--faint);font-size:.875rem}
.bars{width:100%;height:30px;margin-top:10px}
.bars path{fill:none;stroke-width:30}
.b0{stroke:var(--none);opacity:.55}.b1{stroke:var(--good)}.b2{stroke:var(--warn)}.b3{stroke:var(--part)}.b4{stroke:var(--bad)}.b5{stroke:var(--maint)}
.axis{display:flex;justify-content:space-between;gap:10px;margin-top:4px;color:var(--faint);font-size:.8rem}.axis :first-child,.axis :last-child{white-space:nowrap}.axis :nth-child(2){text-align:center}
.regions{display:flex;flex-wrap:wrap;gap:6px;margin-top:10px}
.chip{display:inline-flex;align-items:center;gap:6px;padding:3px 10px;border:1px solid var(--line);border-radius:999px;background:var(--raised);font-size:.82rem}
.chip .ico{width:13px;height:13px}
details{margin-top:10px}
summary{cursor:pointer;color:var(--soft);min-height:32px;padding:4px 0;width:fit-content}
summary:hover{color:var(--text)}
.plot{width:100%;height:auto;margin-top:8px;overflow:visible}
.p50{fill:none;stroke:var(--good);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.p95{fill:none;stroke:var(--maint);stroke-width:2;stroke-linejoin:round;stroke-linecap:round;stroke-dasharray:1 4}
.grid{stroke:var(--line);stroke-width:1}
.plot text{fill:var(--faint);font-size:12px;font-family:inherit}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px 7px 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600}
.inc h3{font-size:1.15rem}
.meta{display:flex;flex-wrap:wrap;gap:4px 16px;margin-top:8px;color:var(--soft);font-size:.9rem}
.tl{margin-top:16px;border-left:2px solid var(--line);padding-left:18px}
.tl li+li{margin-top:16px}
.tl b{font-weight:650}
.tl p{margin-top:2px;overflow-wrap:anywhere}
.cause{margin-top:10px;padding-left:14px;border-left:3px solid var(--line2)}
.meter{width:100%;height:8px;margin-top:6px}
.meter rect{rx:4}
.cols{display:grid;gap:14px}
.form{display:grid;gap:16px;max-width:560px}
label,legend{display:block;font-weight:600;margin-bottom:6px;padding:0}
.hint{color:var(--soft);font-size:.9rem;font-weight:400}
input,select,textarea{width:100%;min-height:46px;padding:10px 14px;border:1px solid var(--line2);border-radius:12px;background:var(--bg);color:var(--text);font:inherit}
input[type=checkbox],input[type=radio]{width:20px;min-height:20px;height:20px;padding:0;margin:0;accent-color:var(--accent);flex:none}
.check{display:flex;align-items:center;gap:10px;min-height:44px;margin:0;font-weight:400}
.picks{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px}
.pick{display:grid;gap:4px;justify-items:start;width:100%;min-height:72px;padding:14px 16px;border:1px solid var(--line2);border-radius:16px;background:var(--surface);color:var(--text);font:inherit;font-weight:600;text-align:left;cursor:pointer}
.pick:hover{background:var(--raised)}
.prose p+p,.prose li+li{margin-top:12px}ul.prose{padding-top:18px;padding-bottom:18px}
.check.pick-one{padding:10px 16px;border:1px solid var(--line2);border-radius:16px;background:var(--surface);font-weight:600}.check.pick-one:has(:checked){border-color:var(--accent);background:#2b2313}
.acts-card{margin-top:20px}.card .row{display:flex;gap:10px;align-items:center}
.numbered+p{margin-top:10px}.numbered{list-style:decimal;padding-left:1.4em;margin-top:10px}pre{overflow-x:auto;margin:0;font-size:.85rem}
.steps{display:grid;gap:10px;margin-top:14px;counter-reset:n}
.steps li{display:flex;gap:12px;align-items:baseline}
.ok{color:var(--good)}.err{color:var(--bad)}
.pager{display:flex;justify-content:space-between;gap:12px;margin-top:20px}
footer{border-top:1px solid var(--line);padding:24px 0 40px;color:var(--faint);font-size:.9rem}
footer a{color:var(--soft)}
footer .wrap{display:flex;flex-wrap:wrap;gap:8px 20px}
@media(min-width:720px){.cols{grid-template-columns:1fr 1fr}h1{font-size:2rem}.hero{padding:28px 26px}}
@media(max-width:480px){.top{padding-top:8px;padding-bottom:12px}.card{padding:16px}.hero{padding:20px 16px}section{margin-top:32px}}
@media(prefers-reduced-motion:no-preference){.spin{animation:s 1.1s linear infinite}@keyframes s{to{transform:rotate(1turn)}}}
@media print{:root{color-scheme:light;--bg:#fff;--surface:#fff;--raised:#fff;--line:#bbb;--text:#000;--soft:#333;--faint:#444}}
`

/** The style sheet as it stands in the page. */
export const styleSheet = STYLES.trim()

const styleHash = createHash('sha256').update(styleSheet).digest('base64')

/**
 * The policy of every page: nothing from elsewhere, scripts from our own files only.
 *
 * @param connect further origins that the page's script may ask, such as the beacons of the diagnosis
 */
export function contentSecurityPolicy(connect: readonly string[] = []): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${styleHash}'`,
    "script-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...connect].join(' ')}`,
    "manifest-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}
