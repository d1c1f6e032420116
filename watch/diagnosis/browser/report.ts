/** The report page's part in the browser: takes along the result of a check that was just made, where the person sees it. */
const RESULT_KEY = 'upbeat.check.result'
const FRESH_MS = 30 * 60_000

function readResult(): string | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(RESULT_KEY) ?? 'null')
    if (typeof kept !== 'object' || kept === null) return null
    const { text, atMs } = kept as { text?: unknown; atMs?: unknown }
    return typeof text === 'string' && typeof atMs === 'number' && Date.now() - atMs < FRESH_MS ? text : null
  } catch {
    return null
  }
}

const field = document.querySelector<HTMLTextAreaElement>('textarea[name=diagnosis]')
const text = readResult()
if (field && text) {
  field.value = text
  field.closest('details')!.open = true
}
