/**
 * What the watch says of this instance, looked at now and then. Where the watch is and what it said last are kept on the
 * device: the banner has to work while the platform is silent.
 */
import type * as contract from '../../../../contract/index.ts'
import { readInstance } from '#lib/api/first-endpoints.ts'
import { setMediaOrigins } from '#lib/player/stream/media-origins.ts'
import { chooseBanner, type Banner } from './choose-banner.ts'
import { STATUS_KEY } from './status-key.ts'

type WatchStatus = contract.WatchStatus

const URL_KEY = 'upbeat.watch-url'
const HIDDEN_KEY = 'upbeat.watch-hidden'
const CALM_MS = 60_000
const WORRIED_MS = 20_000
const TIMEOUT_MS = 8_000

interface Watch {
  /** What it sees that is worth a banner. */
  seen: Banner | null
  /** The same, unless somebody has read and hidden it. */
  banner: Banner | null
}

export const watch = $state<Watch>({ seen: null, banner: null })

let lookEarlier = () => {}

/** Brings the next look forward: the service itself says, or keeps silent about, that something is wrong. */
export function lookAgain(): void {
  lookEarlier()
}

/** Looks until it is stopped; with no watch it never asks again. */
export function startWatching(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isStopped = false
  const kept = readKept()
  if (kept) show(kept)

  async function look(): Promise<void> {
    timer = undefined
    if (document.visibilityState === 'visible') await lookOnce()
    if (!isStopped) timer = setTimeout(() => void look(), watch.seen ? WORRIED_MS : CALM_MS)
  }
  const onVisible = () => {
    if (document.visibilityState === 'visible' && timer !== undefined) {
      clearTimeout(timer)
      void look()
    }
  }
  lookEarlier = onVisible
  document.addEventListener('visibilitychange', onVisible)
  void findUrl().then((url) => {
    if (url && !isStopped) void look()
  })
  return () => {
    isStopped = true
    lookEarlier = () => {}
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', onVisible)
  }
}

/** Who has seen it needn't see it again until it says something else. */
export function hideBanner(): void {
  if (watch.banner) store(sessionStorage, HIDDEN_KEY, watch.banner.key)
  watch.banner = null
}

/** The instance's word, else the one of an earlier visit. */
async function findUrl(): Promise<string | null> {
  try {
    const { watchStatusUrl, mediaUrls } = await readInstance()
    // The release before names none, and may still serve some requests while this one is let in.
    setMediaOrigins(mediaUrls ?? [])
    if (watchStatusUrl) store(localStorage, URL_KEY, watchStatusUrl)
    else localStorage.removeItem(URL_KEY)
    return watchStatusUrl
  } catch {
    return readText(localStorage, URL_KEY)
  }
}

async function lookOnce(): Promise<void> {
  const url = readText(localStorage, URL_KEY)
  if (!url) return
  try {
    const response = await fetch(url, {
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok) throw new Error(String(response.status))
    // The watch's own contract; the first load has no room for a parser of it.
    const status = (await response.json()) as WatchStatus
    store(localStorage, STATUS_KEY, JSON.stringify(status))
    show(status)
  } catch {
    const kept = readKept()
    if (kept) show(kept)
  }
}

function show(status: WatchStatus): void {
  const banner = chooseBanner(status, Date.now())
  watch.seen = banner
  watch.banner = banner && banner.key !== readText(sessionStorage, HIDDEN_KEY) ? banner : null
}

function readKept(): WatchStatus | null {
  try {
    return JSON.parse(readText(localStorage, STATUS_KEY) ?? 'null') as WatchStatus | null
  } catch {
    return null
  }
}

function readText(storage: Storage, key: string): string | null {
  try {
    return storage.getItem(key)
  } catch {
    return null
  }
}

function store(storage: Storage, key: string, text: string): void {
  try {
    storage.setItem(key, text)
  } catch {
    // A browser that stores nothing only forgets what it was told.
  }
}
