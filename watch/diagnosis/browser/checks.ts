/** What a page may honestly try: its own address, our beacons, and whether the service answers at all. Never the local network. */
import type { BeaconFact, TargetFact } from './facts.ts'

/** A try that takes longer counts as failed. */
export const TRY_TIMEOUT_MS = 4_000
const TRIES = 3
const PAUSE_MS = 250

export interface BeaconTarget {
  readonly name: string
  readonly url: string
  readonly family: 'v4' | 'v6' | null
}

interface BeaconAnswer {
  readonly nonce?: unknown
  readonly at?: unknown
}

interface BeaconTry {
  readonly outcome: BeaconFact['outcome']
  readonly rttMs: number | null
  readonly skewMs: number | null
}

export interface BeaconResult {
  readonly fact: BeaconFact
  /** This device's clock minus the beacon's, from the quickest try. */
  readonly skewMs: number | null
  readonly skewErrorMs: number | null
}

/** Asks a beacon three times, each with a number of its own that only a beacon gives back. */
export async function checkBeacon({ name, url, family }: BeaconTarget): Promise<BeaconResult> {
  const tries: BeaconTry[] = []
  for (let i = 0; i < TRIES; i++) {
    if (i > 0) await pause()
    tries.push(await tryBeacon(url))
  }
  const answered = tries.filter(({ outcome }) => outcome === 'ok')
  const strange = tries.find(({ outcome }) => outcome === 'wrong-nonce' || outcome === 'opaque')
  const quickest = answered.toSorted((a, b) => a.rttMs! - b.rttMs!)[0]
  return {
    fact: {
      name,
      family,
      outcome: strange ? strange.outcome : answered.length > 0 ? 'ok' : 'failed',
      lossFraction: 1 - answered.length / tries.length,
      rttMs: medianOf(answered.map(({ rttMs }) => rttMs!)),
    },
    skewMs: quickest?.skewMs ?? null,
    skewErrorMs: quickest ? quickest.rttMs! / 2 : null,
  }
}

async function tryBeacon(url: string): Promise<BeaconTry> {
  const nonce = crypto.randomUUID()
  const target = new URL(url, location.href)
  target.searchParams.set('nonce', nonce)
  const startedMs = performance.now()
  const sentAtMs = Date.now()
  let response: Response
  try {
    response = await fetch(target, {
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
    })
  } catch {
    const isAnswered = target.protocol === 'http:' && (await answersAtAll(target))
    return { outcome: isAnswered ? 'opaque' : 'failed', rttMs: null, skewMs: null }
  }
  const rttMs = roundTripOf(target.href) ?? performance.now() - startedMs
  const receivedAtMs = Date.now()
  const answer = (await response.json().catch(() => ({}))) as BeaconAnswer | null
  if (answer?.nonce !== nonce) return { outcome: 'wrong-nonce', rttMs, skewMs: null }
  const theirs = typeof answer.at === 'string' ? Date.parse(answer.at) : Number.NaN
  const skewMs = Number.isNaN(theirs) ? null : (sentAtMs + receivedAtMs) / 2 - theirs
  return { outcome: 'ok', rttMs, skewMs }
}

/** From request to first byte, without name resolution and connecting: beacons allow it to be read (`Timing-Allow-Origin`). */
function roundTripOf(url: string): number | null {
  const entry = performance.getEntriesByName(url, 'resource').at(-1) as PerformanceResourceTiming | undefined
  return entry && entry.requestStart > 0 ? entry.responseStart - entry.requestStart : null
}

/** Whether anything answered. An answer that we may not read proves no more than that. */
async function answersAtAll(url: URL): Promise<boolean> {
  try {
    await fetch(url, {
      mode: 'no-cors',
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
    })
    return true
  } catch {
    return false
  }
}

/** Tries the service three times. Any answer counts, as it can't be read: an error page counts as well. */
export async function checkTarget(url: string): Promise<TargetFact> {
  const timesMs: number[] = []
  for (let i = 0; i < TRIES; i++) {
    if (i > 0) await pause()
    const target = new URL(url)
    target.searchParams.set('upbeat-check', crypto.randomUUID().slice(0, 8))
    const startedMs = performance.now()
    if (await answersAtAll(target)) timesMs.push(performance.now() - startedMs)
  }
  return { tries: TRIES, answered: timesMs.length, medianMs: medianOf(timesMs) }
}

/** The text at a dotted path of a JSON document of another origin, past every cache; null when it can't be read. */
export async function readJsonPath(url: string, path: string): Promise<string | null> {
  try {
    const response = await fetch(url, {
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(TRY_TIMEOUT_MS),
    })
    if (!response.ok) return null
    let value: unknown = await response.json()
    for (const key of path.split('.')) value = (value as Record<string, unknown> | null)?.[key]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : null
  } catch {
    return null
  }
}

export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]!
}

/** Tries are apart by chance, so that a moment's loss doesn't hit all of them. */
const pause = (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, PAUSE_MS + Math.random() * PAUSE_MS))
