/** Settings of the process: names from the environment and the command line → checked and typed. The only place that reads `process.env`. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { isAddressOrNetwork } from '../../kit/network/proxy-trust.ts'

const PROXIES_FIT = 'takes IP addresses or networks with commas between them, such as 127.0.0.1,10.0.0.0/8'
const DEFAULT_ID = 'watch'
/** Other watches beside this one. */
const PEERS_MAX = 8

const Environment = z.object({
  WATCH_DATA_DIR: z.string().optional(),
  WATCH_HOST: z.string().default('0.0.0.0'),
  WATCH_PORT: z.coerce.number().int().min(0).max(65_535).default(8090),
  WATCH_PUBLIC_URL: z.url().optional(),
  WATCH_NAME: z.string().min(1).max(60).default('Upbeat watch'),
  WATCH_CATALOG: z.string().optional(),
  WATCH_SERVICES: z.string().default('upbeat'),
  WATCH_REGION: z.string().max(63).optional(),
  WATCH_ID: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default(DEFAULT_ID),
  WATCH_CONNECTIVITY: z.string().default('1.1.1.1:53,8.8.8.8:53,9.9.9.9:53'),
  WATCH_EXPORT_DIR: z.string().optional(),
  WATCH_SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  WATCH_MAIL_FROM: z.email().default('watch@localhost.localdomain'),
  WATCH_ALLOW_PRIVATE_HOOKS: z.enum(['yes', 'no']).default('no'),
  WATCH_ALERTMANAGERS: z
    .string()
    .default('')
    .transform(splitList)
    .pipe(z.array(z.url({ protocol: /^https?$/ })).max(10)),
  WATCH_AGENT_SECRET: z.string().min(16).optional(),
  WATCH_AGENT_PRIVATE_KEY: z.string().optional(),
  WATCH_JOURNEY_URL: z.url({ protocol: /^https?$/ }).optional(),
  WATCH_JOURNEY_HANDLE: z.string().min(1).max(24).optional(),
  WATCH_JOURNEY_PASSWORD: z.string().min(1).max(200).optional(),
  WATCH_PEER_URL: z.url({ protocol: /^https?$/ }).optional(),
  WATCH_PEER_KEY: z.string().optional(),
  TRUSTED_PROXIES: z
    .string()
    .default('')
    .transform(splitList)
    .refine((proxies) => proxies.every(isAddressOrNetwork), PROXIES_FIT),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  UPBEAT_URL: z.url().default('http://localhost:8080'),
})

export interface WatchConfig {
  readonly name: string
  /** This vantage point's name and region. */
  readonly id: string
  readonly region: string | null
  readonly dataDir: string
  readonly host: string
  readonly port: number
  /** Where people reach it, without a trailing slash; null: whatever host they used. */
  readonly publicUrl: string | null
  readonly trustedProxies: readonly string[]
  /** Where the pages are written as files, for a host that stays up alone; null: nowhere. */
  readonly exportDir: string | null
  readonly telling: {
    /** `smtp://user:password@host:port`; null: no mail can be sent, and none is offered. */
    readonly smtpUrl: string | null
    readonly mailFrom: string
    /** Whether webhooks may lead into private networks. */
    readonly allowPrivate: boolean
    /** Addresses of Alertmanagers that are told of incidents, each of them of all. */
    readonly alertmanagers: readonly string[]
  }
  /** A second watch, which checks this one and is checked by it; null: there is none. */
  readonly peer: {
    /** Where it is reached; null: it reaches us. */
    readonly url: string | null
    /** Who is believed to be who: the other watches' public keys, at least one. */
    readonly keys: readonly PeerKey[]
  } | null
  readonly logLevel: string
  /** Folder of service files beside those that ship. */
  readonly catalogDir: string | null
  /** Ids of the shipped services that are watched; those of `catalogDir` always are. */
  readonly shippedServices: readonly string[]
  /** `host:port` or addresses to ask whether we have a connection ourselves; empty: what the machine's routes say. */
  readonly connectivity: readonly string[]
  /** What an agent signs with: a secret (hmac-sha256) or a PEM (ed25519); null: none is set. */
  readonly agentKey:
    | { readonly algorithm: 'hmac-sha256'; readonly secret: string }
    | { readonly algorithm: 'ed25519'; readonly pem: string }
    | null
  /** The account that an agent's journeys travel with, and the only instance that it is for; null: none is given. */
  readonly journeyAccount: {
    readonly origin: string
    readonly handle: string
    readonly password: string
  } | null
  /** What `${NAME}` in a service's file may stand for. */
  readonly variables: Readonly<Record<string, string | undefined>>
}

export interface PeerKey {
  /** The other watch's name: nobody else speaks in it. */
  readonly id: string
  /** Ed25519, its 32 bytes in base64url. */
  readonly publicKey: string
}

export class WatchConfigError extends Error {}

/**
 * Reads the settings.
 *
 * @throws {WatchConfigError} naming each wrong variable and what is wrong with it.
 */
export function loadWatchConfig(env: NodeJS.ProcessEnv = process.env): WatchConfig {
  const parsed = Environment.safeParse(env)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new WatchConfigError(`The settings have ${lines.length} wrong value(s):\n${lines.join('\n')}`)
  }
  const e = parsed.data
  return {
    name: e.WATCH_NAME,
    id: e.WATCH_ID,
    region: e.WATCH_REGION ?? null,
    dataDir: e.WATCH_DATA_DIR ?? defaultDataDir(),
    host: e.WATCH_HOST,
    port: e.WATCH_PORT,
    publicUrl: e.WATCH_PUBLIC_URL?.replace(/\/$/, '') ?? null,
    trustedProxies: e.TRUSTED_PROXIES,
    exportDir: e.WATCH_EXPORT_DIR ?? null,
    telling: {
      smtpUrl: e.WATCH_SMTP_URL ?? null,
      mailFrom: e.WATCH_MAIL_FROM,
      allowPrivate: e.WATCH_ALLOW_PRIVATE_HOOKS === 'yes',
      alertmanagers: e.WATCH_ALERTMANAGERS,
    },
    peer: peerOf(e),
    logLevel: e.LOG_LEVEL,
    catalogDir: e.WATCH_CATALOG ?? null,
    shippedServices: splitList(e.WATCH_SERVICES),
    connectivity: splitList(e.WATCH_CONNECTIVITY),
    agentKey: e.WATCH_AGENT_PRIVATE_KEY
      ? { algorithm: 'ed25519', pem: e.WATCH_AGENT_PRIVATE_KEY }
      : e.WATCH_AGENT_SECRET
        ? { algorithm: 'hmac-sha256', secret: e.WATCH_AGENT_SECRET }
        : null,
    journeyAccount: readJourneyAccount(e),
    variables: { ...env, UPBEAT_URL: e.UPBEAT_URL.replace(/\/$/, '') },
  }
}

function readJourneyAccount(e: z.infer<typeof Environment>): WatchConfig['journeyAccount'] {
  const { WATCH_JOURNEY_URL: url, WATCH_JOURNEY_HANDLE: handle, WATCH_JOURNEY_PASSWORD: password } = e
  if (url === undefined && handle === undefined && password === undefined) return null
  if (url === undefined || handle === undefined || password === undefined)
    throw new WatchConfigError(
      'Of WATCH_JOURNEY_URL, WATCH_JOURNEY_HANDLE and WATCH_JOURNEY_PASSWORD all three are needed, or none.',
    )
  return { origin: new URL(url).origin, handle, password }
}

function peerOf(e: z.infer<typeof Environment>): WatchConfig['peer'] {
  if (e.WATCH_PEER_KEY === undefined) {
    if (e.WATCH_PEER_URL === undefined) return null
    throw new WatchConfigError(
      'WATCH_PEER_URL names a second watch, and how to know it is not set. Give each the other one’s public key as ' +
        'WATCH_PEER_KEY: npm run -s watch -- peer-key prints it.',
    )
  }
  requireOwnName(e.WATCH_ID)
  return {
    url: e.WATCH_PEER_URL?.replace(/\/$/, '') ?? null,
    keys: readPeerKeys(e.WATCH_PEER_KEY, e.WATCH_ID),
  }
}

/** @throws {WatchConfigError} when it has the name that all have that were given none */
export function requireOwnName(id: string): void {
  if (id === DEFAULT_ID)
    throw new WatchConfigError(
      `Two watches need two names, and this one is called "${DEFAULT_ID}" as all are. Set WATCH_ID, for instance to the ` +
        'place where it stands.',
    )
}

/** As `peer-key` prints them. 43 letters are 32 bytes; of the last one only four bits count. */
const PEER_KEY = /^([a-z0-9][a-z0-9-]{0,62})=ed25519:([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/

function readPeerKeys(text: string, ownId: string): PeerKey[] {
  const keys = splitList(text).map((part): PeerKey => {
    const [, id, publicKey] = PEER_KEY.exec(part) ?? []
    if (id === undefined || publicKey === undefined)
      throw new WatchConfigError(
        'WATCH_PEER_KEY takes the other watch’s public key as NAME=ed25519:KEY, which npm run -s watch -- peer-key prints ' +
          'there. (A secret that both share is not used any more.)',
      )
    if (id === ownId)
      throw new WatchConfigError(
        `WATCH_PEER_KEY holds the key of ${id}, which is this watch’s own name: it takes the other one’s. Where two ` +
          'watches have one name, give one of them another (WATCH_ID).',
      )
    return { id, publicKey }
  })
  if (keys.length === 0 || keys.length > PEERS_MAX || new Set(keys.map(({ id }) => id)).size < keys.length)
    throw new WatchConfigError(
      `WATCH_PEER_KEY takes one to ${PEERS_MAX} keys with commas between, each of another watch.`,
    )
  return keys
}

/** The environment with these changed, for `loadWatchConfig`. */
export function environmentWith(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes }
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}

function defaultDataDir(): string {
  return process.getuid?.() === 0
    ? '/var/lib/upbeat/watch'
    : join(homedir(), '.local', 'share', 'upbeat', 'watch')
}
