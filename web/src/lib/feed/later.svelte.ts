/**
 * What a feed does without until its first video shows a frame: fetched then, as one file, so that it never competes with
 * that frame; or earlier, by who needs it.
 */
import { openUpdates } from '#lib/updates/updates.ts'

type Parts = typeof import('./later-parts.ts')

let parts = $state.raw<Parts | null>(null)
let isMissing = $state(false)
let loading: Promise<void> | null = null

export const later = {
  /** Null until they have come. */
  get parts(): Parts | null {
    return parts
  },
  /** They were asked for and did not come: who needs them says the least in words of its own. */
  get isMissing(): boolean {
    return isMissing
  },
}

/** Fetches them once; where that has failed, the next call tries again. */
export function fetchLater(): void {
  openUpdates()
  loading ??= import('./later-parts.ts').then(
    (loaded) => {
      parts = loaded
      isMissing = false
    },
    () => {
      isMissing = true
      loading = null
    },
  )
}
