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

/** `person.class.expiry.mac`; the person's text must hold no dot. */
export function signHint(secret: string, hint: Hint, expiresAtMs: number): string {
  const said = `${hint.person}.${hint.class ?? ''}.${Math.floor(expiresAtMs / 1_000).toString(36)}`
  return `${said}.${macOf(secret, said)}`
}

const macOf = (secret: string, said: string) =>
  createHmac('sha256', secret).update(`admission hint\n${said}`).digest('base64url').slice(0, 22)

interface Kept {
  readonly hint: Hint | null
  readonly expiresAtMs: number
}

/** Reads hints; those seen lately cost one look-up. Null: none, or not one of ours, or too old. */
export function createHintReader(secret: string): (text: string | null, nowMs: number) => Hint | null {
  const kept = new Map<string, Kept>()
  return (text, nowMs) => {
    if (text === null) return null
    const known = kept.get(text)
    if (known) return known.expiresAtMs > nowMs ? known.hint : null
    const read = readHint(secret, text)
    // What is not signed is not kept: anyone can make as many of it as they like.
    if (!read) return null
    if (kept.size >= KEPT_MAX) kept.clear()
    kept.set(text, read)
    return read.expiresAtMs > nowMs ? read.hint : null
  }
}

function readHint(secret: string, text: string): Kept | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const [person, level, expiry, mac] = parts as [string, string, string, string]
  const expected = Buffer.from(macOf(secret, `${person}.${level}.${expiry}`))
  const given = Buffer.from(mac)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  const isClass = /^[0-3]$/.test(level)
  return {
    hint: { person, class: isClass ? (Number(level) as PriorityClass) : null },
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
