/** A value within JSON by a dotted path. */

/** `items.0.id`; undefined when something on the way is missing. A name with dots in it can't be reached. */
export function valueAt(body: unknown, path: string): unknown {
  let value = body
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}
