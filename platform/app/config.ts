/** Configuration: names from the environment → checked, typed and nested. The only place that reads `process.env`. */
import { join } from 'node:path'
import { homedir } from 'node:os'
import { z } from 'zod'

const GIB = 1024 ** 3

const Environment = z.object({
  DATA_DIR: z.string().optional(),
  DEMO: z.enum(['on', 'off']).default('on'),
  HOST: z.string().default('0.0.0.0'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  PUBLIC_URL: z.url().optional(),
  SIGN_UP: z.enum(['open', 'closed']).default('open'),
  SOURCE_URL: z.url({ protocol: /^https?$/ }).optional(),
  TRUSTED_PROXIES: z.string().default(''),
  DATABASE_URL: z.string().optional(),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(10),
  INGEST_ADDRESS: z.string().optional(),
  INSTANCE_NAME: z.string().min(1).max(60).default('Upbeat'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  UPLOAD_MAX_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(4 * GIB),
  UPLOAD_MAX_DURATION_S: z.coerce.number().positive().default(600),
  UPLOAD_QUOTA_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(50 * GIB),
  UPLOAD_RESERVE_BYTES: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(1 * GIB),
  WATCH_PROGRAM: z.string().optional(),
  WATCH_PORT: z.coerce.number().int().min(0).max(65_535).default(8090),
  WATCH_URL: z.url({ protocol: /^https?$/ }).optional(),
})

export interface Config {
  readonly instanceName: string
  readonly dataDir: string
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
  readonly trustedProxies: readonly string[]
  /** The watch that is started beside this instance, as a program and its port; null: none. */
  readonly sibling: { readonly program: string; readonly port: number } | null
  /** Where browsers reach the watch of this instance; null: none is shown. */
  readonly watchUrl: string | null
  readonly logLevel: string
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
  readonly paths: {
    readonly blobs: string
    readonly staging: string
    readonly secrets: string
    readonly demoPasswords: string
  }
}

export class ConfigError extends Error {}

/**
 * Reads the configuration.
 *
 * @throws {ConfigError} naming each wrong variable and what is wrong with it.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const parsed = Environment.safeParse(env)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new ConfigError(`The configuration has ${lines.length} wrong value(s):\n${lines.join('\n')}`)
  }
  const e = parsed.data
  const dataDir = e.DATA_DIR ?? defaultDataDir()
  return {
    instanceName: e.INSTANCE_NAME,
    dataDir,
    // People of a demo sign up as everybody does.
    isDemoWanted: e.DEMO === 'on' && e.SIGN_UP === 'open',
    host: e.HOST,
    port: e.PORT,
    publicUrl: e.PUBLIC_URL?.replace(/\/$/, '') ?? null,
    isSignUpOpen: e.SIGN_UP === 'open',
    sourceUrl: e.SOURCE_URL ?? null,
    trustedProxies: e.TRUSTED_PROXIES.split(',')
      .map((address) => address.trim())
      .filter(Boolean),
    watchUrl: e.WATCH_URL ?? null,
    sibling: e.WATCH_PROGRAM ? { program: e.WATCH_PROGRAM, port: e.WATCH_PORT } : null,
    logLevel: e.LOG_LEVEL,
    database: { url: e.DATABASE_URL ?? null, poolSize: e.DATABASE_POOL_SIZE },
    ingestAddress: e.INGEST_ADDRESS ?? null,
    uploads: {
      maxSizeBytes: e.UPLOAD_MAX_BYTES,
      maxDurationS: e.UPLOAD_MAX_DURATION_S,
      quotaBytes: e.UPLOAD_QUOTA_BYTES,
      reserveBytes: e.UPLOAD_RESERVE_BYTES,
    },
    paths: {
      blobs: join(dataDir, 'blobs'),
      staging: join(dataDir, 'staging'),
      secrets: join(dataDir, 'secrets.json'),
      demoPasswords: join(dataDir, 'demo-passwords.json'),
    },
  }
}

/** The environment of a child process: ours, with these changed. */
export function environmentWith(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes }
}

function defaultDataDir(): string {
  return process.getuid?.() === 0 ? '/var/lib/upbeat' : join(homedir(), '.local', 'share', 'upbeat')
}
