/** Configuration: names from the environment → checked, typed and nested. The only place that reads `process.env`. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { CLIENT_GENERATION } from '../../contract/client.ts'
import { readNetwork } from '../../kit/network/prefixes.ts'
import { isAddressOrNetwork } from '../../kit/network/proxy-trust.ts'
import { PROTECTIONS, type Protection } from './protections.ts'

const GIB = 1024 ** 3

const number = (shape: z.ZodNumber) => z.string().trim().min(1).transform(Number).pipe(shape)
const whole = (min: number, max = Number.MAX_SAFE_INTEGER) => number(z.number().int().min(min).max(max))
const webAddress = () => z.url({ protocol: /^https?$/ })

const ORIGINS_FIT = 'addresses with commas between them, such as https://edge-1.example.org'
/** Addresses without a path. */
const origins = () =>
  z
    .string()
    .default('')
    .transform(listOf)
    .pipe(z.array(webAddress().refine((url) => url === new URL(url).origin)))

const PORT_FITS = 'a whole number from 0 to 65535'
const WEB_ADDRESS_FITS = 'an address such as https://video.example.org'
const SIZE_FITS = 'a whole number of bytes, such as 4294967296 for 4 GiB'
const PER_S_FITS = 'a whole number a second from 1 to 100000'
const CONNECTIONS_FIT = 'a whole number of connections from 1 to 100000'
const TIME_FITS = 'a time of day by this machine’s clock, such as 03:30'
const MAIL_SERVER_FITS = 'a mail server such as smtps://user:password@mail.example.org'
const SENDER_FITS = 'a sender such as noreply@example.org'
const PROXIES_FIT = 'IP addresses or networks with commas between them, such as 127.0.0.1,10.0.0.0/8'

/** Each setting with the words for what fits it. */
const Environment = z.object({
  ADMISSION: fits('on or off', z.enum(['on', 'off']).default('on')),
  BLOCK_IN_KERNEL: fits('off or nftables', z.enum(['off', 'nftables']).default('off')),
  BACKUP: fits('on or off', z.enum(['on', 'off']).default('on')),
  BACKUP_AT: fits(
    TIME_FITS,
    z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$/)
      .default('03:30'),
  ),
  BACKUP_DIR: z.string().min(1).optional(),
  BACKUP_KEEP_DAYS: fits('a whole number of days from 1 to 3650', whole(1, 3650).default(7)),
  BACKUP_KEY_FILE: z.string().min(1).optional(),
  BACKUP_TO: fits(
    'a place in a bucket, such as s3://my-backups/upbeat',
    z
      .string()
      .regex(/^s3:\/\/\S+$/)
      .optional(),
  ),
  DATA_DIR: z.string().optional(),
  DEMO: fits('on or off', z.enum(['on', 'off']).default('on')),
  HOST: fits('one of this machine’s addresses, or 0.0.0.0 for all', z.string().min(1).default('0.0.0.0')),
  LIMIT_ADDRESS_CONNECTIONS: fits(CONNECTIONS_FIT, whole(1, 100_000).default(512)),
  LIMIT_ADDRESS_PER_S: fits(PER_S_FITS, whole(1, 100_000).default(100)),
  LIMIT_EXEMPT: fits(PROXIES_FIT, networks((text) => readNetwork(text) !== null).default('127.0.0.1,::1')),
  LIMIT_NETWORK_CONNECTIONS: fits(CONNECTIONS_FIT, whole(1, 100_000).default(4_096)),
  LIMIT_NETWORK_PER_S: fits(PER_S_FITS, whole(1, 100_000).default(500)),
  LIMIT_PERSON_PER_S: fits(PER_S_FITS, whole(1, 100_000).default(50)),
  MAIL_FROM: fits(SENDER_FITS, z.email().max(254).optional()),
  MEDIA_URLS: fits(ORIGINS_FIT, origins()),
  METRICS_PORT: fits(PORT_FITS, whole(0, 65_535).optional()),
  METRICS_TOKEN: fits(
    '16 to 200 characters without spaces',
    z
      .string()
      .regex(/^\S{16,200}$/)
      .optional(),
  ),
  OLDEST_CLIENT: fits(
    `a whole number from 0 to ${CLIENT_GENERATION}`,
    whole(0, CLIENT_GENERATION).default(CLIENT_GENERATION - 1),
  ),
  OTHER_URLS: fits(ORIGINS_FIT, origins()),
  PASSWORD_RANGE_URL: fits(
    'off, or the address of a range service such as https://api.pwnedpasswords.com/range/',
    z.union([z.literal('off'), webAddress()]).default('https://api.pwnedpasswords.com/range/'),
  ),
  PORT: fits(PORT_FITS, whole(0, 65_535).default(8080)),
  PROOF_OF_WORK: fits('pressure, always or off', z.enum(['pressure', 'always', 'off']).default('pressure')),
  PUBLIC_URL: fits(WEB_ADDRESS_FITS, webAddress().optional()),
  REGION: fits(
    'a name of small letters, digits and hyphens, such as eu-west',
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/)
      .optional(),
  ),
  REPLICA_URL: fits('the address of a PostgreSQL server', z.string().min(1).optional()),
  S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  S3_ENDPOINT: fits(WEB_ADDRESS_FITS, webAddress().optional()),
  S3_REGION: fits(
    'the name of a region, such as eu-central-1',
    z
      .string()
      .regex(/^[\w-]+$/)
      .default('us-east-1'),
  ),
  S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  SIGN_UP: fits('open or closed', z.enum(['open', 'closed']).default('open')),
  SMTP_URL: fits(MAIL_SERVER_FITS, z.url({ protocol: /^smtps?$/ }).optional()),
  SOURCE_URL: fits(WEB_ADDRESS_FITS, webAddress().optional()),
  TRUSTED_PROXIES: fits(PROXIES_FIT, networks().default('')),
  PROTECTIONS_OFF: fits(
    `names with commas between them, out of ${PROTECTIONS.join(', ')}`,
    z
      .string()
      .default('')
      .transform(listOf)
      .pipe(z.array(z.enum(PROTECTIONS))),
  ),
  /** What the supervisor has one process try out: `KIND:HASH`. */
  DOCUMENT_CANDIDATE: z.string().optional(),
  DATABASE_URL: z.string().optional(),
  DATABASE_POOL_SIZE: fits('a whole number from 1 to 200', whole(1, 200).default(10)),
  INGEST_ADDRESS: z.string().optional(),
  INSTANCE_NAME: fits('1 to 60 characters', z.string().min(1).max(60).default('Upbeat')),
  LOG_LEVEL: fits(
    'trace, debug, info, warn, error or silent',
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  ),
  UPLOAD_MAX_BYTES: fits(SIZE_FITS, whole(1).default(4 * GIB)),
  UPLOAD_MAX_DURATION_S: fits('a number of seconds above 0', number(z.number().positive()).default(600)),
  UPLOAD_QUOTA_BYTES: fits(SIZE_FITS, whole(1).default(50 * GIB)),
  UPLOAD_RESERVE_BYTES: fits(SIZE_FITS, whole(0).default(1 * GIB)),
  WATCH_PROGRAM: z.string().optional(),
  WATCH_PORT: fits(PORT_FITS, whole(0, 65_535).default(8090)),
  WATCH_URL: fits(WEB_ADDRESS_FITS, webAddress().optional()),
})

function fits<T extends z.ZodType>(words: string, shape: T): T {
  return shape.meta({ fits: words }) as T
}

function networks(isOne: (text: string) => boolean = isAddressOrNetwork) {
  return z.string().refine((text) => listOf(text).every((each) => isOne(each)))
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}

/** How much anybody may ask for; see docs/operating/abuse.md. */
export interface AbuseConfig {
  readonly isOn: boolean
  /** Requests a second that go on for long; ten times as many may come at once. */
  readonly rates: {
    readonly addressPerS: number
    readonly networkPerS: number
    readonly personPerS: number
  }
  readonly connections: { readonly perAddress: number; readonly perNetwork: number }
  /** Addresses and networks that nothing of this holds for. */
  readonly exempt: readonly string[]
  readonly proofOfWork: 'pressure' | 'always' | 'off'
  /** Whether blocks are handed to nftables, too. */
  readonly isInKernel: boolean
}

export interface Config {
  readonly instanceName: string
  readonly dataDir: string
  /** Whether of more requests than can be served the rest is turned away, in order of what matters. */
  readonly isAdmissionOn: boolean
  /** Switched off for a drill; none in any other case. */
  readonly protectionsOff: ReadonlySet<Protection>
  /** Whether an instance that begins empty is filled with a demo. */
  readonly isDemoWanted: boolean
  readonly host: string
  readonly port: number
  /** Where people reach the instance, without a trailing slash; null: whatever host they used. */
  readonly publicUrl: string | null
  /** Whether anyone may make an account; the operator's link does so in any case. */
  readonly isSignUpOpen: boolean
  /** Where the source of this very version is offered (AGPL-3.0, section 13); null: where package.json says. */
  readonly sourceUrl: string | null
  /** The lowest generation of the web app (contract/client.ts) that is served. */
  readonly oldestClient: number
  readonly trustedProxies: readonly string[]
  /** Edges that have the media of this instance, each as an origin. */
  readonly mediaUrls: readonly string[]
  /** By which the instance is reached beside `publicUrl`. */
  readonly otherUrls: readonly string[]
  /** What region this machine serves where no network says otherwise, and the replica by which it does; null: none. */
  readonly region: { readonly name: string | null; readonly replicaUrl: string | null }
  readonly abuse: AbuseConfig
  /** The watch that is started beside this instance, as a program and its port; null: none. */
  readonly sibling: { readonly program: string; readonly port: number } | null
  /** Where browsers reach the watch of this instance; null: none is shown. */
  readonly watchUrl: string | null
  /** Where this machine alone can read metrics; null: nowhere. */
  readonly metricsPort: number | null
  /** Who may read metrics at the public address; null: nobody. */
  readonly metricsToken: string | null
  readonly logLevel: string
  /** `KIND:HASH` of the document that this process alone tries out; null: none. */
  readonly documentCandidate: string | null
  readonly database: { readonly url: string | null; readonly poolSize: number }
  /** Where the api role finds the ingest role: `http://127.0.0.1:PORT` or `unix:PATH`; null: this process mounts it itself. */
  readonly ingestAddress: string | null
  readonly uploads: {
    readonly maxSizeBytes: number
    readonly maxDurationS: number
    /** Originals of one account, those under way included. */
    readonly quotaBytes: number
    /** Free space that uploads never take. */
    readonly reserveBytes: number
  }
  readonly mail: {
    /** Null: mail is laid into the folder `paths.outbox`, and nobody gets it. */
    readonly smtpUrl: string | null
    /** Null: by the host of `publicUrl`. */
    readonly from: string | null
  }
  /** Asked, by a part of its hash, whether a new password has leaked; null: nobody is. */
  readonly passwordRangeUrl: string | null
  readonly backups: {
    /** Whether one is made each night. */
    readonly isNightly: boolean
    /** Where they are kept. */
    readonly place: string
    /** By this machine's clock. */
    readonly at: { readonly hour: number; readonly minute: number }
    readonly keepDays: number
    /** By which they are encrypted; null: they are not. */
    readonly keyFile: string | null
    /** The place in a bucket that gets each of them, too; null: none does. */
    readonly to: string | null
  }
  /** What opens buckets; nulls: nothing does, or Amazon's own are meant. */
  readonly s3: {
    readonly endpoint: string | null
    readonly region: string
    readonly accessKey: string | null
    readonly secretKey: string | null
  }
  readonly paths: {
    readonly blobs: string
    readonly staging: string
    readonly secrets: string
    /** What is kept while the database is away, a folder each process. */
    readonly journal: string
    /** What of it could be neither done nor read. */
    readonly journalAside: string
    readonly demoPasswords: string
    /** Mail, as long as there is no server to send it. */
    readonly outbox: string
    /** A filter of passwords that leaked, as the operator imported it. */
    readonly breachedPasswords: string
  }
}

export class ConfigError extends Error {}

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} naming each wrong variable, what was given, and what fits.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const parsed = Environment.safeParse(env)
  if (!parsed.success) {
    const names = [...new Set(parsed.error.issues.map(({ path }) => String(path[0])))]
    throw new ConfigError(names.map((name) => explain(name, env[name] ?? '')).join('\n'))
  }
  const e = parsed.data
  const dataDir = e.DATA_DIR ?? defaultDataDir()
  return {
    instanceName: e.INSTANCE_NAME,
    dataDir,
    isAdmissionOn: e.ADMISSION === 'on' && !e.PROTECTIONS_OFF.includes('admission'),
    protectionsOff: new Set(e.PROTECTIONS_OFF),
    // People of a demo sign up as everybody does.
    isDemoWanted: e.DEMO === 'on' && e.SIGN_UP === 'open',
    host: e.HOST,
    port: e.PORT,
    publicUrl: e.PUBLIC_URL?.replace(/\/$/, '') ?? null,
    isSignUpOpen: e.SIGN_UP === 'open',
    sourceUrl: e.SOURCE_URL ?? null,
    oldestClient: e.OLDEST_CLIENT,
    trustedProxies: listOf(e.TRUSTED_PROXIES),
    region: { name: e.REGION ?? null, replicaUrl: e.REPLICA_URL ?? null },
    mediaUrls: e.PROTECTIONS_OFF.includes('other-edges') ? [] : e.MEDIA_URLS,
    otherUrls: e.PROTECTIONS_OFF.includes('other-addresses') ? [] : e.OTHER_URLS,
    abuse: {
      isOn: !e.PROTECTIONS_OFF.includes('limits'),
      rates: {
        addressPerS: e.LIMIT_ADDRESS_PER_S,
        networkPerS: e.LIMIT_NETWORK_PER_S,
        personPerS: e.LIMIT_PERSON_PER_S,
      },
      connections: { perAddress: e.LIMIT_ADDRESS_CONNECTIONS, perNetwork: e.LIMIT_NETWORK_CONNECTIONS },
      exempt: listOf(e.LIMIT_EXEMPT),
      proofOfWork: e.PROOF_OF_WORK,
      isInKernel: e.BLOCK_IN_KERNEL === 'nftables',
    },
    watchUrl: e.WATCH_URL ?? null,
    sibling: e.WATCH_PROGRAM ? { program: e.WATCH_PROGRAM, port: e.WATCH_PORT } : null,
    metricsPort: e.METRICS_PORT ?? null,
    metricsToken: e.METRICS_TOKEN ?? null,
    logLevel: e.LOG_LEVEL,
    documentCandidate: e.DOCUMENT_CANDIDATE ?? null,
    database: { url: e.DATABASE_URL ?? null, poolSize: e.DATABASE_POOL_SIZE },
    ingestAddress: e.INGEST_ADDRESS ?? null,
    uploads: {
      maxSizeBytes: e.UPLOAD_MAX_BYTES,
      maxDurationS: e.UPLOAD_MAX_DURATION_S,
      quotaBytes: e.UPLOAD_QUOTA_BYTES,
      reserveBytes: e.UPLOAD_RESERVE_BYTES,
    },
    passwordRangeUrl: e.PASSWORD_RANGE_URL === 'off' ? null : e.PASSWORD_RANGE_URL,
    mail: { smtpUrl: e.SMTP_URL ?? null, from: e.MAIL_FROM ?? null },
    backups: {
      isNightly: e.BACKUP === 'on',
      place: e.BACKUP_DIR ?? join(dataDir, 'backups'),
      at: { hour: Number(e.BACKUP_AT.slice(0, 2)), minute: Number(e.BACKUP_AT.slice(3)) },
      keepDays: e.BACKUP_KEEP_DAYS,
      keyFile: e.BACKUP_KEY_FILE ?? null,
      to: e.BACKUP_TO ?? null,
    },
    s3: {
      endpoint: e.S3_ENDPOINT ?? null,
      region: e.S3_REGION,
      accessKey: e.S3_ACCESS_KEY_ID ?? null,
      secretKey: e.S3_SECRET_ACCESS_KEY ?? null,
    },
    paths: {
      blobs: join(dataDir, 'blobs'),
      staging: join(dataDir, 'staging'),
      secrets: join(dataDir, 'secrets.json'),
      journal: join(dataDir, 'journal'),
      journalAside: join(dataDir, 'journal', 'aside'),
      demoPasswords: join(dataDir, 'demo-passwords.json'),
      outbox: join(dataDir, 'outbox'),
      breachedPasswords: join(dataDir, 'breached-passwords.filter'),
    },
  }
}

/** What a person who set it wrongly reads. */
function explain(name: string, given: string): string {
  const { fits } = Environment.shape[name as keyof typeof Environment.shape].meta() as { fits: string }
  return `${name} is "${given}"; what fits is ${fits}.`
}

/** The environment of a child process: ours, with these changed. */
export function environmentWith(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes }
}

function defaultDataDir(): string {
  return process.getuid?.() === 0 ? '/var/lib/upbeat' : join(homedir(), '.local', 'share', 'upbeat')
}
