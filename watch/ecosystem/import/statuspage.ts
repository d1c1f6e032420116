/** A Statuspage (API v2) as a service: its components and groups, its word as a signal, and its past incidents. Pure. */
import { z } from 'zod'
import { ComponentStatus } from '../../../contract/watch.ts'
import { isTimeZone } from '../../configuration/index.ts'
import {
  createIds,
  ImportError,
  plainText,
  slugOf,
  type Draft,
  type DraftFeature,
  type LeftOut,
  type Wishes,
} from './draft.ts'

const Instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))

const Component = z.object({
  id: z.string(),
  name: z.string().min(1),
  description: z.string().nullish(),
  group: z.boolean().default(false),
  group_id: z.string().nullish(),
  position: z.number().default(0),
})

const Update = z.object({
  id: z.string(),
  status: z.string(),
  body: z.string().nullish(),
  created_at: Instant,
  display_at: Instant.nullish(),
  affected_components: z
    .array(z.object({ code: z.string(), old_status: z.string(), new_status: z.string() }))
    .nullish()
    .catch(null),
})

const PastIncident = z.object({
  id: z.string().min(1),
  name: z.string().min(1),
  status: z.string(),
  impact: z.enum(['none', 'minor', 'major', 'critical', 'maintenance']).catch('none'),
  created_at: Instant,
  started_at: Instant.nullish(),
  monitoring_at: Instant.nullish(),
  resolved_at: Instant.nullish(),
  updated_at: Instant.nullish(),
  incident_updates: z.array(Update).default([]),
  components: z.array(z.object({ id: z.string() })).nullish(),
})
export type PastIncident = z.infer<typeof PastIncident>

const Page = z.object({
  page: z.object({
    id: z.string(),
    name: z.string().min(1),
    url: z.string(),
    time_zone: z.string().nullish(),
  }),
  components: z.array(Component),
  incidents: z.array(z.unknown()).default([]),
  scheduled_maintenances: z.array(z.unknown()).default([]),
})
const Named = z.object({ name: z.string() })

export interface ReadStatuspage {
  readonly draft: Draft
  /** Those that are over, the oldest first. */
  readonly incidents: readonly PastIncident[]
  /** Component there → feature here. */
  readonly featureOf: ReadonlyMap<string, string>
  readonly leftOut: readonly LeftOut[]
}

const DESCRIPTION_MAX_LENGTH = 300
/** What the file takes as a key of `word.features`. */
const WORD_NAME_MAX_LENGTH = 200
const WORD_PATH = '/api/v2/summary.json'

/**
 * Reads `summary.json` or `components.json`, together with `incidents.json` where there is one.
 *
 * @param json `page` and `components`, and as far as known `incidents` and `scheduled_maintenances`
 * @throws {ImportError} when it is no Statuspage
 */
export function readStatuspage(json: unknown, source: string, wishes: Wishes): ReadStatuspage {
  const parsed = Page.safeParse(json)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    throw new ImportError(
      `${source} is no Statuspage (API v2): ${path.join('.') || 'the answer'}: ${message}`,
    )
  }
  const { page, components, scheduled_maintenances: maintenances } = parsed.data
  const leftOut: LeftOut[] = []
  const { features, featureOf, names } = readComponents(components, leftOut)
  if (features.length === 0)
    throw new ImportError(`${source} has no components, so there is nothing to watch.`)
  const incidents = readIncidents(parsed.data.incidents, leftOut)
  for (const one of maintenances)
    leftOut.push({
      what: `maintenance "${nameOf(one)}"`,
      why: 'announce it at /operate/maintenances, so that subscribers hear of it',
    })
  const url = wishes.url ?? page.url
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new ImportError(`${source} names no web address (page.url is ${url}): say one by --url URL`)
  const name = plainText(wishes.name ?? page.name)
  // Some pages name theirs as Rails does: "Pacific Time (US & Canada)".
  const timeZone = page.time_zone && isTimeZone(page.time_zone) ? page.time_zone : null
  if (page.time_zone && timeZone === null)
    leftOut.push({
      what: `time zone "${plainText(page.time_zone)}"`,
      why: 'it is no name of the IANA database',
    })
  const word =
    /^https?:\/\//.test(page.url) && URL.canParse(page.url) ? new URL(WORD_PATH, page.url).href : null
  return {
    draft: {
      id: wishes.id ?? (slugOf(name) || 'imported'),
      name,
      url,
      ...(timeZone !== null && { timeZone }),
      features,
      monitors: [],
      ...(word !== null && { word: { kind: 'statuspage' as const, url: word, features: names } }),
    },
    incidents,
    featureOf,
    leftOut,
  }
}

function readComponents(components: readonly z.infer<typeof Component>[], leftOut: LeftOut[]) {
  const groups = new Map(components.filter(({ group }) => group).map(({ id, name }) => [id, plainText(name)]))
  const makeId = createIds('component')
  const features: DraftFeature[] = []
  const featureOf = new Map<string, string>()
  const names = new Map<string, string>()
  for (const component of components
    .filter(({ group }) => !group)
    .toSorted((a, b) => a.position - b.position)) {
    const id = makeId(component.name)
    const group = component.group_id ? groups.get(component.group_id) : undefined
    featureOf.set(component.id, id)
    features.push({
      id,
      name: plainText(component.name),
      ...(component.description && { description: plainText(component.description, DESCRIPTION_MAX_LENGTH) }),
      ...(group !== undefined && { group }),
    })
    // The official word names components, not their ids.
    if (
      names.has(component.name) ||
      component.name.length > WORD_NAME_MAX_LENGTH ||
      component.name.includes('${')
    )
      leftOut.push({
        what: `the official word on component "${plainText(component.name)}"`,
        why: 'its name stands for two, is too long, or holds ${…}',
      })
    else names.set(component.name, id)
  }
  return { features, featureOf, names: Object.fromEntries(names) }
}

function readIncidents(list: readonly unknown[], leftOut: LeftOut[]): PastIncident[] {
  const incidents: PastIncident[] = []
  for (const one of list) {
    const parsed = PastIncident.safeParse(one)
    const what = `incident "${nameOf(one)}"`
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]!
      leftOut.push({ what, why: `${path.join('.') || 'it'}: ${message}` })
    } else if (!parsed.data.resolved_at)
      leftOut.push({ what, why: 'it is not over; the watch tells of it by what it sees itself' })
    else incidents.push(parsed.data)
  }
  return incidents.toSorted((a, b) => a.created_at - b.created_at)
}

const nameOf = (one: unknown): string => plainText(Named.safeParse(one).data?.name ?? 'without a name')

/** One of the words that exist, or null. */
export const statusWord = (text: string): ComponentStatus | null =>
  ComponentStatus.safeParse(text).data ?? null
