/** Keeps an open page true: looks every half minute whether something changed, and only then takes the new content. */
const EVERY_MS = 30_000

const live = document.getElementById('live')
const statusUrl = live?.dataset['status']
let known: string | null = null

/** What has to differ for the page to be renewed: everything but the time of looking. */
async function readDigest(url: string): Promise<{ digest: string; asOf: string }> {
  const response = await fetch(url, { cache: 'no-cache', signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(String(response.status))
  const { asOf, ...rest } = (await response.json()) as { asOf: string }
  return { digest: JSON.stringify(rest), asOf }
}

/** Renewing while someone reads inside would take the focus and open parts away. */
const isInUse = (): boolean =>
  live!.contains(document.activeElement) || live!.querySelector('details[open]') !== null

async function renew(): Promise<void> {
  const response = await fetch(location.href, { cache: 'no-cache', signal: AbortSignal.timeout(10_000) })
  if (!response.ok) return
  const page = new DOMParser().parseFromString(await response.text(), 'text/html')
  const fresh = page.getElementById('live')
  if (!fresh) return
  live!.replaceChildren(...fresh.childNodes)
  document.title = page.title
}

function showAge(asOf: string): void {
  const age = document.getElementById('age')
  if (!age) return
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(asOf)) / 1000))
  age.textContent =
    seconds < 5 ? 'just now' : seconds < 60 ? `${seconds} s ago` : `${Math.round(seconds / 60)} min ago`
}

async function look(url: string): Promise<void> {
  const { digest, asOf } = await readDigest(url)
  const isChanged = known !== null && digest !== known
  if (isChanged && isInUse()) return
  known = digest
  if (isChanged) await renew()
  showAge(asOf)
}

if (live && statusUrl) {
  // A look that fails changes nothing: the page still says when it was true.
  const tick = () => {
    if (document.visibilityState === 'visible') void look(statusUrl).catch(() => {})
  }
  tick()
  setInterval(tick, EVERY_MS)
}
