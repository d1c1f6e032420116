/** Recorded requests and answers of a release's web app: their shape on disk, and ids that differ from run to run. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'

export const Exchange = z.object({
  method: z.string(),
  /** Path and query under the address of the instance. */
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  /** JSON, or the bytes of the recorded clip from an offset; left out: none was sent. */
  body: z
    .union([z.object({ json: z.unknown() }), z.object({ clipFrom: z.int(), clipTo: z.int() })])
    .optional(),
  status: z.int(),
  /** Left out: the answer had no JSON. */
  answer: z.unknown().optional(),
})
export type Exchange = z.infer<typeof Exchange>

export const Traffic = z.object({
  /** The release whose web app spoke, as `git describe` names it. */
  release: z.string(),
  /** Where the scenario begins: who is there already, and what they have posted. */
  authorHandle: z.string(),
  exchanges: z.array(Exchange),
})
export type Traffic = z.infer<typeof Traffic>

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g
/** RFC 5737: nobody's. */
const ADDRESS = '192.0.2.1'
const TOKEN = /\{\{(?:id|cursor):\d+\}\}/g

/** Takes what names a run or a person out of recorded texts: the same id becomes the same token everywhere. */
export function createScrubber(): (value: unknown) => unknown {
  const ids = new Map<string, string>()
  const cursors = new Map<string, string>()
  const tokenFor = (known: Map<string, string>, kind: string, value: string): string => {
    const token = known.get(value) ?? `{{${kind}:${known.size + 1}}}`
    known.set(value, token)
    return token
  }
  const scrubText = (text: string): string => {
    let scrubbed = text
    for (const [cursor, token] of cursors)
      scrubbed = scrubbed.replaceAll(cursor, token).replaceAll(encodeURIComponent(cursor), token)
    return scrubbed
      .replace(UUID, (id) => tokenFor(ids, 'id', id))
      .replaceAll('127.0.0.1', ADDRESS)
      .replace(/\/media\/t\/[^/]+\//g, '/media/t/token/')
  }
  const scrub = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string')
      return /cursor$/i.test(key) ? tokenFor(cursors, 'cursor', value) : scrubText(value)
    if (Array.isArray(value)) return value.map((item) => scrub(item))
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, scrub(item, name)]))
  }
  return (value) => scrub(value)
}

/** What the tokens of a recording stand for in this run. */
export interface Bindings {
  /** Puts this run's values for the tokens of a request; what the client made up itself is made up anew. */
  fill(text: string): string
  /** Learns from an answer what its tokens stand for; answers what a client that knows the recorded one would miss. */
  learn(recorded: unknown, now: unknown): string[]
}

/** What a video without files has not; its clients know null there. */
const NULLABLE = new Set(['placeholder', 'previewUrl'])
/** Facts behind a reason, each its own. */
const OPEN_RECORDS = new Set(['params'])
/** By these names clients choose what to do, so another value is another answer. */
const CHOSEN_BY = new Set(['code', 'kind', 'role', 'side', 'visibility'])

export function createBindings(): Bindings {
  const bound = new Map<string, string>()
  const compare = (recorded: unknown, now: unknown, path: string): string[] => {
    // Nothing was there: whatever is there now, the client knows how to do without.
    if (recorded === null || recorded === undefined) return []
    if (now === undefined) return [`${path} is gone`]
    const key = path.split('.').at(-1)!
    if ((now === null && NULLABLE.has(key)) || OPEN_RECORDS.has(key)) return []
    if (Array.isArray(recorded)) {
      if (!Array.isArray(now)) return [`${path} is no list`]
      if (now.length < recorded.length) return [`${path} has ${now.length} of ${recorded.length} items`]
      return recorded.flatMap((item, at) => compare(item, now[at], `${path}[${at}]`))
    }
    if (typeof recorded === 'object') {
      if (typeof now !== 'object' || now === null) return [`${path} is no object`]
      return Object.entries(recorded).flatMap(([key, value]) =>
        compare(value, (now as Record<string, unknown>)[key], path ? `${path}.${key}` : key),
      )
    }
    if (typeof now !== typeof recorded)
      return [`${path} was a ${typeof recorded}, and is ${JSON.stringify(now)}`]
    if (typeof recorded === 'string' && typeof now === 'string') {
      if (recorded.match(TOKEN)?.[0] === recorded && !bound.has(recorded)) bound.set(recorded, now)
      if (CHOSEN_BY.has(key) && recorded !== now) return [`${path} was ${recorded}, and is ${now}`]
    }
    return []
  }
  return {
    fill: (text) =>
      text.replace(TOKEN, (token) => {
        const value = bound.get(token) ?? randomUUID()
        bound.set(token, value)
        return value
      }),
    learn: (recorded, now) => compare(recorded, now, ''),
  }
}
