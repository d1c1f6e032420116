/**
 * A signed word about who asks, readable before any session is looked up and any byte of a body is read: the person, for
 * whom ties are decided alike on all devices, and a class where this person's requests go before what their routes say.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { PriorityClass } from './core/index.ts'

export interface Hint {
  readonly person: string
  /** Requests of lower classes are raised to it; null: they keep theirs. */
  readonly class: PriorityClass | null
}

const KEPT_MAX = 20_000

/**
 * `person.class.expiry.mac`; the person's text must hold no dot.
 *
 * @param bearer what the asker has to show beside it, a session's token say: without that it is worth nothing
 */
export function signHint(secret: string, hint: Hint, expiresAtMs: number, bearer = ''): string {
  const said = `${hint.person}.${hint.class ?? ''}.${Math.floor(expiresAtMs / 1_000).toString(36)}`
  return `${said}.${macOf(secret, said, bearer)}`
}

const macOf = (secret: string, said: string, bearer: string) =>
  createHmac('sha256', secret).update(`admission hint\n${said}\n${bearer}`).digest('base64url').slice(0, 22)

interface Kept {
  readonly hint: Hint
  readonly bearer: string
  readonly expiresAtMs: number
}

export type HintReader = (text: string | null, nowMs: number, bearer?: string) => Hint | null

/** Reads hints; those seen lately cost one look-up. Null: none, or not one of ours, or another's, or too old. */
export function createHintReader(secret: string): HintReader {
  const kept = new Map<string, Kept>()
  return (text, nowMs, bearer = '') => {
    if (text === null) return null
    let known = kept.get(text)
    if (known?.bearer !== bearer) {
      const read = readHint(secret, text, bearer)
      // What is not signed is not kept: anyone can make as many of it as they like.
      if (!read) return null
      if (kept.size >= KEPT_MAX) kept.clear()
      kept.set(text, (known = read))
    }
    return known.expiresAtMs > nowMs ? known.hint : null
  }
}

function readHint(secret: string, text: string, bearer: string): Kept | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const [person, level, expiry, mac] = parts as [string, string, string, string]
  const expected = Buffer.from(macOf(secret, `${person}.${level}.${expiry}`, bearer))
  const given = Buffer.from(mac)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  const isClass = /^[0-3]$/.test(level)
  return {
    hint: { person, class: isClass ? (Number(level) as PriorityClass) : null },
    bearer,
    expiresAtMs: Number.parseInt(expiry, 36) * 1_000,
  }
}

/** The value of a cookie as the browser sent it; null: there is none. */
export function readCookie(header: string | undefined, name: string): string | null {
  if (header === undefined) return null
  for (let at = header.indexOf(name); at >= 0; at = header.indexOf(name, at + 1)) {
    const isWhole = at === 0 || header[at - 1] === ' ' || header[at - 1] === ';'
    if (!isWhole || header[at + name.length] !== '=') continue
    const end = header.indexOf(';', at)
    return header.slice(at + name.length + 1, end < 0 ? undefined : end)
  }
  return null
}
