/** What a service's YAML file may say. Everything has a bound; what is left out has the default that stands here. */
import { z } from 'zod'

const FeatureId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'takes lower-case letters, digits and hyphens, at most 63')
const RegionId = FeatureId
const Words = z.array(z.string().min(2).max(80)).max(50)
const HttpUrl = z.url({
  protocol: /^https?$/,
  error: 'takes an address that begins with http:// or https://',
})

const Region = z.strictObject({
  id: RegionId.describe('Stable name; incidents and reports refer to it.'),
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
  id: FeatureId.describe('Stable name; monitors, reports and incidents refer to it.'),
  name: z.string().min(1).max(80),
  description: z.string().max(300).default(''),
  group: z.string().min(1).max(80).nullable().default(null).describe('Features of one group are rolled up.'),
  dependsOn: z.array(FeatureId).max(50).default([]).describe('Features whose failure takes this one down.'),
  tier: z
    .enum(['core', 'edge'])
    .default('core')
    .describe('`edge`: served by caches (segments); `core`: by the origin. It tells causes apart.'),
})

const Common = {
  id: FeatureId,
  features: z.array(FeatureId).min(1).max(50).describe('Features that are broken when this check fails.'),
  region: RegionId.nullable()
    .default(null)
    .describe('The region that it stands for; left out: the vantage’s.'),
  everyS: z.number().min(1).max(86_400).default(20),
  retryS: z
    .number()
    .min(1)
    .max(86_400)
    .default(10)
    .describe('How soon a failed check is made again, when that is sooner than everyS.'),
  timeoutS: z.number().min(0.1).max(120).default(10),
  vantages: z
    .array(FeatureId)
    .max(200)
    .nullable()
    .default(null)
    .describe('Vantage points that run it; left out: all of them.'),
  allowPrivate: z
    .boolean()
    .default(false)
    .describe('Whether the target may lie in a private range or on this machine.'),
}

const JsonCheck = z
  .strictObject({
    path: z.string().min(1).max(200).describe('Dotted, with numbers for places in lists: `items.0.id`.'),
    equals: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
    matches: z.string().max(500).optional().describe('A regular expression over the value as text.'),
    exists: z.boolean().optional(),
    minItems: z.number().int().min(0).optional(),
  })
  .describe('One value in the JSON body, and what must hold of it.')

const Expect = z
  .strictObject({
    status: z
      .array(z.number().int().min(100).max(599))
      .min(1)
      .max(50)
      .optional()
      .describe('Left out: any 2xx.'),
    headers: z
      .record(z.string().max(100), z.string().max(500))
      .default({})
      .describe('Header name → regular expression.'),
    contains: Words.default([]).describe('Texts that the body must have.'),
    lacks: Words.default([]).describe('Texts that the body must not have.'),
    json: z.array(JsonCheck).max(50).default([]),
    maxDurationS: z.number().positive().max(120).optional(),
  })
  .prefault({})

const HttpMonitor = z.strictObject({
  type: z.literal('http'),
  ...Common,
  url: HttpUrl,
  method: z.enum(['GET', 'HEAD', 'POST', 'OPTIONS']).default('GET'),
  headers: z.record(z.string().max(100), z.string().max(2000)).default({}),
  body: z.string().max(16_384).nullable().default(null),
  followRedirects: z
    .number()
    .int()
    .min(0)
    .max(10)
    .default(3)
    .describe('How many; each target is checked like the first.'),
  maxBodyBytes: z
    .number()
    .int()
    .min(0)
    .max(16 * 1024 * 1024)
    .default(262_144)
    .describe('What lies beyond is not read.'),
  verifyTls: z.boolean().default(true),
  isStoreListing: z
    .boolean()
    .default(false)
    .describe('The page of an app store: gone means that the listing is gone, not that the service is down.'),
  expect: Expect,
})

const TcpMonitor = z.strictObject({
  type: z.literal('tcp'),
  ...Common,
  host: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65_535),
  send: z.string().max(1024).nullable().default(null),
  expectText: z.string().max(1024).nullable().default(null),
})

const TlsMonitor = z.strictObject({
  type: z.literal('tls'),
  ...Common,
  host: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65_535).default(443),
  serverName: z.string().max(253).nullable().default(null),
  minDaysLeft: z.number().min(0).max(365).default(7).describe('Fewer days of validity left than this fails.'),
})

const DnsMonitor = z.strictObject({
  type: z.literal('dns'),
  ...Common,
  name: z.string().min(1).max(253),
  record: z.enum(['A', 'AAAA', 'CNAME', 'MX', 'NS', 'TXT']).default('A'),
  resolvers: z
    .array(z.string().min(1).max(100))
    .max(10)
    .default([])
    .describe('Addresses, with or without a port; left out: those of the machine.'),
  expectAny: z
    .array(z.string().max(500))
    .max(100)
    .default([])
    .describe('Answers or networks (`203.0.113.0/24`) of which each resolver must give at least one.'),
  quorum: z.number().int().min(1).max(10).nullable().default(null).describe('Left out: more than half.'),
})

const IcmpMonitor = z.strictObject({
  type: z.literal('icmp'),
  ...Common,
  host: z.string().min(1).max(253),
  packets: z.number().int().min(1).max(10).default(3),
  maxLossFraction: z.number().min(0).max(1).default(0.5),
})

const JOURNEYS = [
  'upbeat-sign-in',
  'upbeat-feed',
  'upbeat-video',
  'upbeat-upload',
  'upbeat-comment',
  'upbeat-counts',
  'upbeat-search',
] as const
const JourneyMonitor = z.strictObject({
  type: z.literal('journey'),
  ...Common,
  journey: z.enum(JOURNEYS),
  url: HttpUrl.describe('The front door of the instance.'),
  rung: z
    .string()
    .max(40)
    .nullable()
    .default(null)
    .describe(
      'A rendition of the video, such as `540`, for the journey upbeat-video; left out: all of them.',
    ),
  until: z
    .enum(['playable', 'complete'])
    .default('playable')
    .describe('How far upbeat-upload waits: until the clip plays, or until all of its renditions are made.'),
  account: z
    .strictObject({ handle: z.string().max(24), password: z.string().max(200) })
    .nullable()
    .default(null)
    .describe('Left out: the watch makes an account of its own and keeps its password in the data folder.'),
})

export const Monitor = z.discriminatedUnion('type', [
  HttpMonitor,
  TcpMonitor,
  TlsMonitor,
  DnsMonitor,
  IcmpMonitor,
  JourneyMonitor,
])
export type Monitor = z.infer<typeof Monitor>
export type MonitorOf<T extends Monitor['type']> = Extract<Monitor, { type: T }>

const Reports = z
  .strictObject({
    isEnabled: z.boolean().default(true),
    windowMinutes: z
      .number()
      .int()
      .min(1)
      .max(1440)
      .default(30)
      .describe('One reporter counts once per window.'),
    problems: z
      .array(z.strictObject({ id: FeatureId, label: z.string().min(1).max(120) }))
      .max(20)
      .default([])
      .describe('What the page offers to tap, feature by feature; left out: the features’ names.'),
  })
  .prefault({})

const TrafficPull = z.strictObject({
  url: HttpUrl.describe('A page in Prometheus’s text format.'),
  everyS: z.number().min(5).max(3600).default(15),
  allowPrivate: z.boolean().default(false),
  bearer: z.string().max(2000).nullable().default(null),
  series: z
    .array(
      z.strictObject({
        metric: z.string().min(1).max(200).describe('A counter: what it grew by in the interval is counted.'),
        as: z.enum(['requests', 'errors', 'bytes']),
        where: z
          .record(z.string().max(100), z.string().max(500))
          .default({})
          .describe('Label → regular expression.'),
        feature: FeatureId.nullable().default(null),
        featureLabel: z
          .string()
          .max(100)
          .nullable()
          .default(null)
          .describe('The label that names the feature.'),
        region: RegionId.nullable().default(null),
        regionLabel: z.string().max(100).nullable().default(null),
      }),
    )
    .min(1)
    .max(100),
})

const Key = z
  .strictObject({
    id: FeatureId,
    algorithm: z.enum(['hmac-sha256', 'ed25519']),
    secret: z
      .string()
      .min(16)
      .max(500)
      .nullable()
      .default(null)
      .describe('For hmac-sha256; at least 16 characters.'),
    publicKey: z.string().max(2000).nullable().default(null).describe('For ed25519: PEM.'),
    may: z.array(z.enum(['traffic', 'markers', 'probes', 'alerts'])).min(1),
  })
  .refine((key) => (key.algorithm === 'ed25519' ? key.publicKey !== null : key.secret !== null), {
    error: 'An hmac-sha256 key needs `secret`, an ed25519 key needs `publicKey`.',
  })

const Chatter = z
  .strictObject({
    words: Words.default([]).describe(
      'Texts that count as a complaint, such as `tiktok down`; case does not matter.',
    ),
    sources: z
      .array(
        z.discriminatedUnion('kind', [
          z.strictObject({
            kind: z.literal('jetstream'),
            url: z.url({ protocol: /^wss?$/ }),
            protocol: z.enum(['v1', 'v2']).default('v1'),
          }),
          z.strictObject({
            kind: z.literal('mastodon'),
            url: HttpUrl,
            token: z.string().max(500).nullable().default(null),
            hashtag: z.string().max(100).nullable().default(null),
          }),
        ]),
      )
      .max(20)
      .default([]),
    allowPrivate: z.boolean().default(false),
  })
  .prefault({})

const Word = z
  .strictObject({
    kind: z.enum(['statuspage', 'rss']),
    url: HttpUrl,
    everyS: z.number().min(15).max(3600).default(60),
    allowPrivate: z.boolean().default(false),
    features: z
      .record(z.string().max(200), FeatureId)
      .default({})
      .describe('Name of a component of the official page → feature.'),
  })
  .nullable()
  .default(null)

const Diagnosis = z
  .strictObject({
    target: HttpUrl.nullable()
      .default(null)
      .describe('What a browser tries to reach; left out: the service’s address.'),
    versionUrl: HttpUrl.nullable().default(null).describe('JSON with the newest version of the app.'),
    versionPath: z.string().max(200).default('version'),
    beacons: z.array(HttpUrl).max(10).default([]).describe('Addresses of beacons beside this watch.'),
  })
  .prefault({})

/** One watched service. */
export const ServiceEntry = z
  .strictObject({
    id: FeatureId,
    name: z.string().min(1).max(80),
    url: HttpUrl,
    description: z.string().max(500).default(''),
    timeZone: z.string().min(1).max(64).default('Etc/UTC'),
    neighbours: z
      .array(FeatureId)
      .max(100)
      .default([])
      .describe('Services that people mix up with this one.'),
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
