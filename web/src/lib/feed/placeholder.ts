/** The blurred picture that stands where a poster is still on its way (ThumbHash). */
import { thumbHashToDataURL } from 'thumbhash'

const MAX_KEPT = 200
const made = new Map<string, string | null>()

/** A data URL of a ThumbHash in base64; null when there is none or it can't be read. */
export function placeholderUrl(hash: string | null): string | null {
  if (!hash) return null
  const known = made.get(hash)
  if (known !== undefined) return known
  let url: string | null = null
  try {
    url = thumbHashToDataURL(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)))
  } catch {
    // A placeholder is a comfort: without it the page's own colour stands there.
  }
  made.set(hash, url)
  if (made.size > MAX_KEPT) made.delete(made.keys().next().value!)
  return url
}
