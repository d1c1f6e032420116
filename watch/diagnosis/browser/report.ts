/**
 * The report page's part in the browser: takes along the result of a check that was just made, where the person sees it, and
 * proves work when the watch asks for it. Without it the form is sent as it is.
 */
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

/** ALTCHA's challenge (altcha.org/docs): the number whose hash, after the salt, is the one that is given. */
interface Challenge {
  readonly algorithm: string
  readonly challenge: string
  readonly maxnumber?: number
  readonly salt: string
  readonly signature: string
}
const DEFAULT_MAX_NUMBER = 1_000_000
const NEEDS_PROOF = 428

async function solve(challenge: Challenge): Promise<string | null> {
  const encoder = new TextEncoder()
  const max = challenge.maxnumber ?? DEFAULT_MAX_NUMBER
  for (let number = 0; number <= max; number++) {
    const hash = new Uint8Array(
      await crypto.subtle.digest(challenge.algorithm, encoder.encode(challenge.salt + number)),
    )
    let hex = ''
    for (const byte of hash) hex += byte.toString(16).padStart(2, '0')
    if (hex !== challenge.challenge) continue
    const { algorithm, salt, signature } = challenge
    return btoa(JSON.stringify({ algorithm, challenge: challenge.challenge, number, salt, signature }))
  }
  return null
}

const send = (url: string, body: URLSearchParams): Promise<Response> =>
  fetch(url, { method: 'POST', body, headers: { accept: 'text/html' } })

async function sendProven(form: HTMLFormElement, body: URLSearchParams): Promise<string> {
  let response = await send(form.action, body)
  if (response.status === NEEDS_PROOF) {
    const challenge = (await (await fetch('/api/v1/challenge')).json()) as Challenge
    const solution = await solve(challenge)
    if (solution !== null) body.set('altcha', solution)
    response = await send(form.action, body)
  }
  return response.text()
}

// Hashing is there in secure contexts only.
const form = document.querySelector<HTMLFormElement>('form[method=post]')
if (form && globalThis.crypto.subtle)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const body = new URLSearchParams()
    for (const [name, value] of new FormData(form, event.submitter))
      if (typeof value === 'string') body.append(name, value)
    sendProven(form, body).then(
      (text) => {
        const page = new DOMParser().parseFromString(text, 'text/html')
        document.title = page.title
        document.getElementById('main')!.replaceChildren(...page.getElementById('main')!.childNodes)
        document.getElementById('main')!.focus()
        scrollTo(0, 0)
      },
      // The browser says best itself what it could not reach.
      () => form.submit(),
    )
  })
