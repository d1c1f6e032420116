/** What a field takes, as a person says it after the field's name: "takes at most 64 characters". */
import type { z } from 'zod'

type Issue = z.core.$ZodRawIssue

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  nan: 'a number',
  int: 'a whole number',
  bigint: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

const FORMATS: Readonly<Record<string, string>> = {
  safeint: 'a whole number',
  datetime: 'a time such as 2026-01-31T08:00:00Z',
  date: 'a date such as 2026-01-31',
  email: 'an email address',
  url: 'an address such as https://example.org/',
  uuid: 'a UUID',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  base64: 'text in Base64',
  base64url: 'text in Base64url',
}

/** Says it for one issue. An error map of zod: words that a schema has of its own are not asked of it. */
export function sayWhatFits(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
    case 'invalid_value':
    case 'invalid_format': {
      const takes = takenBy(issue)
      if (issue.input === undefined) return `is missing; it takes ${takes}`
      const given = issue.code === 'invalid_type' ? typeOf(issue.input, issue.expected) : null
      return given === null || takes.includes(given) ? `takes ${takes}` : `takes ${takes}, not ${given}`
    }
    case 'too_small':
    case 'too_big':
      return describeLimit(issue)
    case 'not_multiple_of':
      return `takes a multiple of ${issue.divisor}`
    case 'unrecognized_keys':
      return `has nothing by the name of ${issue.keys.join(', ')}`
    case 'invalid_union':
      return issue.discriminator === undefined ? 'does not fit' : 'is of no kind that exists'
    default:
      return 'does not fit'
  }
}

function takenBy(
  issue: Extract<Issue, { code: 'invalid_type' | 'invalid_value' | 'invalid_format' }>,
): string {
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String)
    return values.length === 1 ? `nothing but ${values[0]}` : `one of ${values.join(', ')}`
  }
  if (issue.code === 'invalid_type') {
    const format = (issue.inst as { _zod?: { def?: { format?: string } } } | undefined)?._zod?.def?.format
    return FORMATS[format ?? ''] ?? TYPES[issue.expected] ?? 'something else'
  }
  if (issue.format === 'starts_with') return `text that begins with ${String(issue.prefix)}`
  if (issue.format === 'ends_with') return `text that ends with ${String(issue.suffix)}`
  if (issue.format === 'regex') return `text of the form ${withoutSlashes(String(issue.pattern))}`
  return FORMATS[issue.format] ?? 'text of another form'
}

const withoutSlashes = (pattern: string): string => pattern.replace(/^\/(.*)\/\w*$/s, '$1')

/** Null: not worth saying. */
function typeOf(input: unknown, expected: string): string | null {
  if (input === null) return 'null'
  if (Array.isArray(input)) return 'a list'
  // A number where a number is wanted: it is broken, or none at all.
  if (typeof input === 'number' && /^(?:number|nan|int|bigint)$/.test(expected)) return null
  return TYPES[typeof input] ?? null
}

function describeLimit(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const isMinimum = issue.code === 'too_small'
  const limit = Number(isMinimum ? issue.minimum : issue.maximum)
  if (issue.origin === 'date') {
    const time = Number.isFinite(limit) ? new Date(limit).toISOString() : 'its limit'
    return isMinimum ? `takes nothing before ${time}` : `takes nothing after ${time}`
  }
  const things = thingsOf(issue.origin, limit)
  if (issue.exact) return `takes exactly ${limit}${things}`
  if (isMinimum && limit === 1 && things !== '') return 'must not be empty'
  // A length has no half steps: its limits are always meant with themselves.
  if (issue.inclusive || things !== '') return `takes at ${isMinimum ? 'least' : 'most'} ${limit}${things}`
  return `takes ${isMinimum ? 'more' : 'less'} than ${limit}`
}

function thingsOf(origin: string, count: number): string {
  if (origin === 'string') return count === 1 ? ' character' : ' characters'
  if (origin === 'file') return count === 1 ? ' byte' : ' bytes'
  if (origin === 'array' || origin === 'set' || origin === 'map') return count === 1 ? ' entry' : ' entries'
  return ''
}
