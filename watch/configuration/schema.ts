/** What a service's YAML file may say. Everything has a bound; what is left out has the default that stands here. */
import { z } from 'zod'
import { Monitor } from './monitor-schema.ts'
import { checkOnCall, OnCall } from './on-call-schema.ts'
import { Posts } from './post-schema.ts'
import { HttpUrl, isTimeZone, Slug } from './schema-fields.ts'
import { Chatter, Diagnosis, Key, Reports, TrafficPull, Word } from './signal-schema.ts'

const Region = z.strictObject({
  id: Slug.describe('Stable name; incidents and reports refer to it.'),
  name: z.string().min(1).max(80),
  countries: z
    .array(z.string().regex(/^[A-Z]{2}$/, 'takes ISO 3166 codes such as DE'))
    .max(260)
    .default([])
    .describe('Whose addresses count as this region.'),
  utcOffsetMinutes: z
    .number()
    .int()
    .min(-720)
    .max(840)
    .default(0)
    .describe('Minutes east of UTC of the hours that people live by.'),
})

const Feature = z.strictObject({
  id: Slug.describe('Stable name; monitors, reports and incidents refer to it.'),
  name: z.string().min(1).max(80),
  description: z.string().max(300).default(''),
  group: z.string().min(1).max(80).nullable().default(null).describe('Features of one group are rolled up.'),
  essential: z
    .string()
    .min(1)
    .max(40)
    .nullable()
    .default(null)
    .describe(
      'What people come for, as a word before “works” (“watching”), where this feature is a part of that. The headline follows these features; where none has it, all count alike.',
    ),
  dependsOn: z.array(Slug).max(50).default([]).describe('Features whose failure takes this one down.'),
  tier: z
    .enum(['core', 'edge'])
    .default('core')
    .describe('`edge`: served by caches (segments); `core`: by the origin. It tells causes apart.'),
  requestsPerPersonMinute: z
    .number()
    .positive()
    .max(100_000)
    .nullable()
    .default(null)
    .describe(
      'Counted requests of one person in a minute of use; without it the impact in user-minutes is not known.',
    ),
})

/** One watched service. */
export const ServiceEntry = z
  .strictObject({
    id: Slug,
    name: z.string().min(1).max(80),
    url: HttpUrl,
    description: z.string().max(500).default(''),
    timeZone: z.string().min(1).max(64).default('Etc/UTC'),
    neighbours: z.array(Slug).max(100).default([]).describe('Services that people mix up with this one.'),
    regions: z
      .array(Region)
      .max(300)
      .default([{ id: 'world', name: 'World', countries: [], utcOffsetMinutes: 0 }]),
    features: z.array(Feature).min(1).max(20_000),
    monitors: z.array(Monitor).max(20_000).default([]),
    reports: Reports,
    traffic: z.strictObject({ pull: z.array(TrafficPull).max(50).default([]) }).prefault({}),
    keys: z.array(Key).max(200).default([]).describe('Who may push what, by which key.'),
    chatter: Chatter,
    word: Word,
    diagnosis: Diagnosis,
    posts: Posts.describe('Public accounts in which outages are posted.'),
    onCall: OnCall,
  })
  .superRefine(checkReferences)
export type ServiceEntry = z.infer<typeof ServiceEntry>

/** Names that nothing bears, and names that two things bear. */
function checkReferences(entry: z.infer<typeof ServiceEntry>, ctx: z.RefinementCtx): void {
  const complain = (path: PropertyKey[], message: string) => ctx.addIssue({ code: 'custom', path, message })
  const features = uniqueIds(entry.features, 'features', complain)
  const regions = uniqueIds(entry.regions, 'regions', complain)
  uniqueIds(entry.monitors, 'monitors', complain)
  uniqueIds(entry.keys, 'keys', complain)
  uniqueIds(entry.posts, 'posts', complain)
  checkOnCall(entry.onCall, complain)
  if (!isTimeZone(entry.timeZone))
    complain(['timeZone'], `There is no time zone ${entry.timeZone}; Europe/Berlin is one.`)
  const checkFeature = (id: string, path: PropertyKey[]) => {
    if (!features.has(id)) complain(path, `There is no feature ${id}; known: ${listSome(features)}.`)
  }
  const checkRegion = (id: string | null, path: PropertyKey[]) => {
    if (id !== null && !regions.has(id))
      complain(path, `There is no region ${id}; known: ${listSome(regions)}.`)
  }
  for (const [i, feature] of entry.features.entries())
    for (const [j, id] of feature.dependsOn.entries()) checkFeature(id, ['features', i, 'dependsOn', j])
  for (const [i, monitor] of entry.monitors.entries()) {
    for (const [j, id] of monitor.features.entries()) checkFeature(id, ['monitors', i, 'features', j])
    checkRegion(monitor.region, ['monitors', i, 'region'])
  }
  for (const [i, problem] of entry.reports.problems.entries())
    checkFeature(problem.id, ['reports', 'problems', i, 'id'])
  for (const [i, pull] of entry.traffic.pull.entries())
    for (const [j, series] of pull.series.entries()) {
      const at = ['traffic', 'pull', i, 'series', j]
      if (series.feature !== null) checkFeature(series.feature, [...at, 'feature'])
      else if (series.featureLabel === null) complain(at, 'Say `feature` or `featureLabel`.')
      checkRegion(series.region, [...at, 'region'])
    }
  for (const [name, id] of Object.entries(entry.word?.features ?? {}))
    checkFeature(id, ['word', 'features', name])
}

function uniqueIds(
  things: readonly { readonly id: string }[],
  name: string,
  complain: (path: PropertyKey[], message: string) => void,
): Set<string> {
  const seen = new Set<string>()
  for (const [i, { id }] of things.entries()) {
    if (seen.has(id)) complain([name, i, 'id'], `${id} is taken by another one above.`)
    seen.add(id)
  }
  return seen
}

const listSome = (ids: ReadonlySet<string>): string => [...ids].slice(0, 10).join(', ')
