/**
 * A banner for any site: `<script type="module" src="https://WATCH/assets/embed.js" data-service="upbeat"></script>`, or an
 * `<upbeat-status service="upbeat" watch="https://WATCH"></upbeat-status>` where it should stand. Shows nothing while all works.
 */
const EVERY_MS = 60_000
const STALE_MS = 120_000
const KEPT_MS = 24 * 3_600_000

interface Status {
  readonly asOf: string
  readonly indicator: string
  readonly isBlind: boolean
  readonly service: { readonly name: string; readonly statusUrl: string }
  readonly incidents: readonly {
    readonly title: string
    readonly state: string
    readonly advice: string
    readonly url: string
  }[]
  readonly maintenances: readonly {
    readonly title: string
    readonly startsAt: string
    readonly endsAt: string
    readonly url: string
  }[]
}

const scriptUrl = new URL(import.meta.url)

/** What the banner has to say; null: nothing. */
export function chooseMessage(
  status: Status,
  nowMs: number,
): {
  readonly words: string
  readonly advice: string
  readonly url: string
  readonly kind: 'fault' | 'maintenance'
} | null {
  const incident = status.incidents.find(({ state }) => state !== 'suspected')
  if (incident) {
    const ageMs = nowMs - Date.parse(status.asOf)
    const age = ageMs > STALE_MS ? ` (as of ${Math.round(ageMs / 60_000)} min ago)` : ''
    return { words: `${incident.title}${age}`, advice: incident.advice, url: incident.url, kind: 'fault' }
  }
  const maintenance = status.maintenances.find(
    ({ startsAt, endsAt }) => Date.parse(startsAt) <= nowMs && nowMs < Date.parse(endsAt),
  )
  return maintenance
    ? { words: `Maintenance: ${maintenance.title}`, advice: '', url: maintenance.url, kind: 'maintenance' }
    : null
}

class UpbeatStatus extends HTMLElement {
  #timer: ReturnType<typeof setInterval> | undefined

  connectedCallback(): void {
    if (!this.shadowRoot) this.attachShadow({ mode: 'open' })
    void this.#look()
    this.#timer = setInterval(() => void this.#look(), EVERY_MS)
  }

  disconnectedCallback(): void {
    clearInterval(this.#timer)
  }

  get #url(): string {
    const watch = this.getAttribute('watch') ?? scriptUrl.origin
    const service = this.getAttribute('service') ?? 'upbeat'
    return `${watch}/api/v1/services/${encodeURIComponent(service)}/status.json`
  }

  async #look(): Promise<void> {
    try {
      const response = await fetch(this.#url, { credentials: 'omit', signal: AbortSignal.timeout(8_000) })
      if (!response.ok) throw new Error(String(response.status))
      const status = (await response.json()) as Status
      this.#keep(status)
      this.#show(status)
    } catch {
      // The watch is silent: what was known within a day is shown with its age.
      const kept = this.#readKept()
      if (kept) this.#show(kept)
    }
  }

  #keep(status: Status): void {
    try {
      localStorage.setItem(this.#url, JSON.stringify(status))
    } catch {
      // A site that may store nothing shows the banner all the same.
    }
  }

  #readKept(): Status | null {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#url) ?? 'null') as Status | null
      return kept && Date.now() - Date.parse(kept.asOf) < KEPT_MS ? kept : null
    } catch {
      return null
    }
  }

  #show(status: Status): void {
    const message = chooseMessage(status, Date.now())
    const root = this.shadowRoot!
    if (!message) return root.replaceChildren()
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(
      `p{margin:0;padding:10px 16px;font:600 15px/1.4 system-ui,sans-serif;background:${message.kind === 'fault' ? '#3b1618' : '#12243d'};color:#fff;text-align:center}a{color:#ffd680}span{font-weight:400}`,
    )
    root.adoptedStyleSheets = [sheet]
    const banner = document.createElement('p')
    banner.setAttribute('role', 'status')
    const link = document.createElement('a')
    link.href = new URL(message.url, scriptUrl).href
    link.textContent = message.words
    const advice = document.createElement('span')
    advice.textContent = message.advice ? ` ${message.advice}` : ''
    banner.append(link, advice)
    root.replaceChildren(banner)
  }
}

if (!customElements.get('upbeat-status')) customElements.define('upbeat-status', UpbeatStatus)

const script = document.querySelector<HTMLScriptElement>(`script[data-service][src*="embed.js"]`)
if (script && !document.querySelector('upbeat-status')) {
  const banner = document.createElement('upbeat-status')
  banner.setAttribute('service', script.dataset['service']!)
  banner.setAttribute('watch', new URL(script.src).origin)
  document.body.prepend(banner)
}
