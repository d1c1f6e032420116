/** What a service's file may say of its checks: one shape a kind. */
import { z } from 'zod'
import { HttpUrl, Slug, Words } from './schema-fields.ts'

const Common = {
  id: Slug,
  features: z.array(Slug).min(1).max(50).describe('Features that are broken when this check fails.'),
  region: Slug.nullable().default(null).describe('The region that it stands for; left out: the vantage’s.'),
  everyS: z.number().min(1).max(86_400).default(20),
  retryS: z
    .number()
    .min(1)
    .max(86_400)
    .default(10)
    .describe('How soon a failed check is made again, when that is sooner than everyS.'),
  timeoutS: z.number().min(0.1).max(120).default(10),
  vantages: z
    .array(Slug)
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
