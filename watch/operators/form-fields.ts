/** Fields of the cockpit's forms: read, and refused with the field's name. */
import { WatchError } from '../app/errors.ts'
import type { ServiceEntry } from '../configuration/index.ts'
import { fieldOf } from '../pages/send-page.ts'

export const BODY_MAX = 10_000
const NAMES_MAX = 20_000

/** @throws {WatchError} invalid-input */
export function required(form: URLSearchParams, name: string, words: string): string {
  const value = fieldOf(form, name, BODY_MAX)
  if (value === null)
    throw new WatchError('invalid-input', { detail: `Fill in ${words}.`, fields: { [name]: 'is missing' } })
  return value
}

/** A local time of UTC. @throws {WatchError} invalid-input */
export function instantOf(form: URLSearchParams, name: string): number {
  const ms = Date.parse(`${required(form, name, 'when')}Z`)
  if (Number.isNaN(ms))
    throw new WatchError('invalid-input', { detail: 'A time looks like 2026-11-22T04:00.' })
  return ms
}

/**
 * Ids of what was ticked, or of what was named in a text, a name (or id) a line.
 *
 * @throws {WatchError} invalid-input naming what nothing here is called
 */
export function chosenIds(
  form: URLSearchParams,
  field: 'features' | 'regions',
  entry: ServiceEntry,
): string[] {
  const things = entry[field]
  const named = (fieldOf(form, `${field}-names`, NAMES_MAX) ?? '').split('\n').map((line) => line.trim())
  const wanted = [...form.getAll(field).map((id) => id.trim()), ...named].filter(Boolean)
  const ids = wanted.map(
    (word) =>
      things.find(({ id }) => id === word)?.id ??
      things.find(({ name }) => name.toLowerCase() === word.toLowerCase())?.id,
  )
  const unknown = wanted.filter((_, i) => ids[i] === undefined)
  if (unknown.length > 0)
    throw new WatchError('invalid-input', {
      detail: `Nothing of ${entry.name} is called ${unknown.slice(0, 5).join(', ')}.`,
      fields: { [field]: 'names what does not exist' },
    })
  return [...new Set(ids as string[])]
}
