/** The door that the first step of signing in left half open: the one cookie of it, whatever way it is written. */
import { WatchError } from '../app/errors.ts'
import { COOKIE_PREFIX } from './auth-engine.ts'

const NAMES = [`${COOKIE_PREFIX}.two_factor`, `__Secure-${COOKIE_PREFIX}.two_factor`]

export interface Door {
  /** The same for every way of writing its cookie. */
  readonly id: string
  /**
   * As a `Cookie` header, alone: with a session beside it better-auth would take the code as the end of joining, and a
   * half-made account would need no invitation.
   */
  readonly cookie: string
}

/**
 * The door of a `Cookie` header. Null: there is none, or one that never was given.
 *
 * @throws {WatchError} not-allowed when there are several: tries at one would count for another
 */
export function findDoor(header: string): Door | null {
  const pairs = header
    .split(';')
    .map((pair) => pair.split(/=(.*)/s, 2).map((part) => part.trim()) as [string, string?])
    .filter(([name]) => NAMES.includes(name))
  if (pairs.length > 1)
    throw new WatchError('not-allowed', {
      detail: 'The request names more than one sign-in under way.',
      next: 'Sign in again from the beginning.',
    })
  const [name, written = ''] = pairs[0] ?? []
  const value = decode(written.replace(/^"(.*)"$/s, '$1'))
  // What is signed stands before the last point; a signature may be written in more than one way.
  const end = value?.lastIndexOf('.') ?? -1
  if (!name || !value || end < 1) return null
  return { id: value.slice(0, end), cookie: `${name}=${encodeURIComponent(value)}` }
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
