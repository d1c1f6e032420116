/** The blurred picture that stands where a poster is still on its way (ThumbHash). Its decoder comes by itself. */

const MAX_KEPT = 200
const made = new Map<string, string | null>()
let decode = $state.raw<((hash: ArrayLike<number>) => string) | null>(null)
let isAsked = false

/** A data URL of a ThumbHash in base64; null when there is none, it can't be read, or the decoder is on its way. */
export function placeholderUrl(hash: string | null): string | null {
  if (!hash) return null
  if (!decode) {
    loadDecoder()
    return null
  }
  const known = made.get(hash)
  if (known !== undefined) return known
  let url: string | null = null
  try {
    url = decode(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)))
  } catch {
    // A placeholder is a comfort: without it the page's own colour stands there.
  }
  made.set(hash, url)
  if (made.size > MAX_KEPT) made.delete(made.keys().next().value!)
  return url
}

function loadDecoder(): void {
  if (isAsked) return
  isAsked = true
  // A comfort: where it can't be had, the page's own colour stands there.
  import('thumbhash').then(
    (thumbhash) => (decode = thumbhash.thumbHashToDataURL),
    () => {},
  )
}
