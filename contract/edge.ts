/** What an edge is told to be, and what it says of itself. */
import { z } from 'zod'

const Name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'small letters, digits and hyphens, 40 at most')
const WebOrigin = z
  .url({ protocol: /^https?$/ })
  .refine((url) => url === new URL(url).origin, 'scheme, name and port only, with no slash at the end')
  // URLs allow quotes and brackets in names, and nginx is configured with them.
  .refine(
    (url) => /^(?:[\w.-]+|\[[\da-f:.]+\])$/.test(new URL(url).hostname),
    'a name of letters, digits, dots and hyphens, or an address',
  )

const MIB = 1024 ** 2

/** A place that has what the edge serves. */
export const EdgeSource = z.strictObject({ name: Name, url: WebOrigin })
export type EdgeSource = z.infer<typeof EdgeSource>

/** A school or an office has hundreds of people behind one address: these keep machines out, not them. */
export const PER_ADDRESS = { requestsPerS: 400, segmentsPerS: 4_000, connections: 1_024 } as const
const PerAddress = z.strictObject({
  /** All but segments; a second's worth may come at once. */
  requestsPerS: z.int().min(1).max(1_000_000),
  segmentsPerS: z.int().min(1).max(1_000_000),
  connections: z.int().min(1).max(65_535),
})

/** All that an edge does is made from one of these: nginx is never configured by hand. */
export const EdgeDocument = z.strictObject({
  schema: z.literal(1),
  /** Grows with each change. */
  generation: z.int().min(1),
  name: Name,
  /** The public names that it answers to; empty: any. */
  hosts: z.array(z.string().regex(/^[a-z0-9.-]{1,253}$/)).max(64),
  /** In the order in which they are preferred; all over HTTP, or all over HTTPS. */
  origins: z.array(EdgeSource).min(1).max(8),
  /** Edges that are asked before an origin, each for its share of the keys. */
  shields: z.array(EdgeSource).max(64),
  /** Raised, all that the edge keeps is asked for anew: segments that are the same cost a question, and no bytes. */
  purged: z.int().min(0).default(0),
  /** Networks whose people get nothing of what the edge keeps, but the origin's own answer: it has closed their region. */
  passedOn: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .max(5_000)
    .default([]),
  /** The watch's `status.json`, served from here also while everything else is away; null: none. */
  statusUrl: z.url({ protocol: /^https?$/ }).nullable(),
  limits: z.strictObject({
    mirrorMaxBytes: z
      .int()
      .min(16 * MIB)
      .max(64 * 1024 ** 4),
    pagesMaxBytes: z
      .int()
      .min(MIB)
      .max(1024 ** 4),
    segmentMaxBytes: z
      .int()
      .min(1024)
      .max(512 * MIB),
    fetchTimeoutMs: z.int().min(250).max(60_000),
    connectionsMax: z.int().min(64).max(65_536),
    /** What one IPv4 address, or one IPv6 /64, may ask for; null: as much as it likes, for an edge behind a proxy. */
    perAddress: PerAddress.nullable().default(PER_ADDRESS),
    /** How long something old may be served while nothing newer can be had. */
    staleForS: z
      .int()
      .min(60)
      .max(30 * 86_400),
  }),
})
export type EdgeDocument = z.infer<typeof EdgeDocument>

/** A document as it travels: its very text, which is what was signed. */
export const SignedDocument = z.strictObject({
  text: z.string().max(256 * 1024),
  /** Ed25519 (RFC 8032) over the text's UTF-8, in base64. */
  signature: z.base64(),
})
export type SignedDocument = z.infer<typeof SignedDocument>

/** How an edge fares, at `/-/edge`. */
export const EdgeStatus = z.object({
  name: z.string(),
  generation: z.int(),
  /** SHA-256 of the document in force, hex. */
  documentHash: z.string(),
  /** Of the one that was judged as doing no harm, and would be reinstated; null: none has been yet. */
  lastGoodHash: z.string().nullable(),
  state: z.enum(['serving', 'origin-away']),
  /** Since when no source has answered; null: one does. */
  originAwaySince: z.iso.datetime().nullable(),
  sources: z.array(z.object({ name: z.string(), isUp: z.boolean() })),
  /** True while all are seen as down, and so all stay in use. */
  isFailingStatic: z.boolean(),
  mirror: z.object({
    objects: z.int(),
    sizeBytes: z.int(),
    rotten: z.int(),
    scrubbedAt: z.iso.datetime().nullable(),
  }),
  /** Documents that were refused or taken back, by their hash, the latest first. */
  quarantined: z.array(
    z.object({
      hash: z.string(),
      reason: z.string(),
      at: z.iso.datetime(),
      /** People met it before it was taken back. */
      wasInForce: z.boolean().default(false),
    }),
  ),
})
export type EdgeStatus = z.infer<typeof EdgeStatus>

/** `GET /api/v1/operations/edges`: those of `MEDIA_URLS`, as the instance hears them. */
export const FollowedEdge = z.object({
  url: z.string(),
  /** The last that was heard of it; null: nothing has been, or its agent is away and says nothing of itself. */
  status: EdgeStatus.nullable(),
  /** `agent-away`: its nginx serves on by itself. `silent`: it does not answer the instance. */
  hearing: z.enum(['heard', 'agent-away', 'silent']),
  /** When it last answered; null: it never has since this process began. */
  heardAt: z.iso.datetime().nullable(),
})
export type FollowedEdge = z.infer<typeof FollowedEdge>

/** Which videos' files are to be asked for again, in the order in which they changed. */
export const MediaChanges = z.object({
  /** By the change's own id: some are told again, and are to be heeded once. */
  items: z.array(z.object({ id: z.uuid(), videoId: z.uuid() })),
  /** Where to go on; null: nothing has ever changed. */
  next: z.uuid().nullable(),
})
export type MediaChanges = z.infer<typeof MediaChanges>
