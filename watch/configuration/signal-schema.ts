/** What a service's file may say of the signals beside checks: reports, traffic, pushes, chatter, its own word. */
import { z } from 'zod'
import { HttpUrl, Slug, Words } from './schema-fields.ts'

export const Reports = z
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
      .array(z.strictObject({ id: Slug, label: z.string().min(1).max(120) }))
      .max(20)
      .default([])
      .describe('What the page offers to tap, feature by feature; left out: the features’ names.'),
  })
  .prefault({})

export const TrafficPull = z.strictObject({
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
        feature: Slug.nullable().default(null),
        featureLabel: z
          .string()
          .max(100)
          .nullable()
          .default(null)
          .describe('The label that names the feature.'),
        region: Slug.nullable().default(null),
        regionLabel: z.string().max(100).nullable().default(null),
      }),
    )
    .min(1)
    .max(100),
})

export const Key = z
  .strictObject({
    id: Slug,
    algorithm: z.enum(['hmac-sha256', 'ed25519']),
    secret: z
      .string()
      .min(16)
      .max(500)
      .nullable()
      .default(null)
      .describe('For hmac-sha256; at least 16 characters.'),
    publicKey: z.string().max(2000).nullable().default(null).describe('For ed25519: PEM.'),
    may: z
      .array(z.enum(['traffic', 'markers', 'probes', 'journeys', 'alerts']))
      .min(1)
      .describe('`journeys`: beside `probes`, for an agent that has an account at the service.'),
  })
  .refine((key) => (key.algorithm === 'ed25519' ? key.publicKey !== null : key.secret !== null), {
    error: 'An hmac-sha256 key needs `secret`, an ed25519 key needs `publicKey`.',
  })

export const Chatter = z
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

export const Word = z
  .strictObject({
    kind: z.enum(['upbeat', 'statuspage', 'rss']),
    url: HttpUrl,
    everyS: z.number().min(10).max(3600).default(60),
    allowPrivate: z.boolean().default(false),
    features: z
      .record(z.string().max(200), Slug)
      .default({})
      .describe('Name of a component of the official page, or feature of an Upbeat platform → feature here.'),
  })
  .nullable()
  .default(null)

export const Diagnosis = z
  .strictObject({
    target: HttpUrl.nullable()
      .default(null)
      .describe('What a browser tries to reach; left out: the service’s address.'),
    versionUrl: HttpUrl.nullable().default(null).describe('JSON with the newest version of the app.'),
    versionPath: z.string().max(200).default('version'),
    beacons: z.array(HttpUrl).max(10).default([]).describe('Addresses of beacons beside this watch.'),
  })
  .prefault({})
