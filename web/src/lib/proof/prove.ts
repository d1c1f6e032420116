/**
 * While more come than the server can serve, it asks strangers for a small sum first (ALTCHA, altcha.org). It is done here
 * by itself, beside the page; a few words say so.
 */
import type { ProofChallenge } from '../../../../contract/proofs.ts'
import { API_ROOT } from '#lib/api/root.ts'
import { showToast } from '#lib/ui/toasts.svelte.ts'
import { t } from './texts.ts'

const TIMEOUT_MS = 10_000
/** A phone of ten years ago takes some seconds. */
const SOLVE_TIMEOUT_MS = 60_000

let underWay: Promise<boolean> | null = null

/** Does it once for all who wait. False: it could not be done; what was asked for is not asked again. */
export function prove(): Promise<boolean> {
  underWay ??= proveNow()
    .catch(() => false)
    .finally(() => (underWay = null))
  return underWay
}

async function proveNow(): Promise<boolean> {
  const dismiss = showToast(t('proof.working'), { icon: 'clock', shownMs: SOLVE_TIMEOUT_MS })
  try {
    const asked = await fetch(`${API_ROOT}/proof`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (!asked.ok) return false
    const challenge = (await asked.json()) as ProofChallenge
    const number = await solve(challenge)
    if (number === null) return false
    const { algorithm, challenge: hash, salt, signature } = challenge
    const solution = btoa(JSON.stringify({ algorithm, challenge: hash, number, salt, signature }))
    const given = await fetch(`${API_ROOT}/proof`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ solution }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return given.ok
  } finally {
    dismiss()
  }
}

/** Null: there is none, or it takes too long. */
function solve(challenge: ProofChallenge): Promise<number | null> {
  const worker = new Worker(new URL('./solve.worker.ts', import.meta.url), { type: 'module' })
  return new Promise<number | null>((resolve) => {
    const timer = setTimeout(() => resolve(null), SOLVE_TIMEOUT_MS)
    const end = (number: number | null) => {
      clearTimeout(timer)
      resolve(number)
    }
    worker.onmessage = ({ data }: MessageEvent<number | null>) => end(data)
    worker.onerror = () => end(null)
    worker.postMessage(challenge)
  }).finally(() => worker.terminate())
}
