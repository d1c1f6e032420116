/** What an edge needs to begin with; all else is in its document. */
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { ConfigError, environmentWith } from '../app/config.ts'
import { PROTECTIONS, type Protection } from '../app/protections.ts'

const Environment = z.object({
  EDGE_CA_FILE: z.string().min(1).default('/etc/ssl/certs/ca-certificates.crt'),
  EDGE_DATA_DIR: z.string().min(1).optional(),
  EDGE_DOCUMENT: z.string().min(1).optional(),
  EDGE_KEY_FILE: z.string().min(1).optional(),
  EDGE_SIGNERS_FILE: z.string().min(1).optional(),
  EDGE_JUDGE_S: z.coerce.number().int().min(1).max(3_600).default(20),
  EDGE_SCRUB_MIB_PER_S: z.coerce.number().min(0.1).max(10_000).default(16),
  HOST: z.string().min(1).default('0.0.0.0'),
  LOG_LEVEL: z.string().default('info'),
  NGINX: z.string().min(1).default('/usr/sbin/nginx'),
  NGINX_MODULES: z.string().min(1).default('/usr/lib/nginx/modules'),
  PROTECTIONS_OFF: z.string().default(''),
})

export interface EdgeConfig {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  /** Watched: a new content is a new release. */
  readonly documentPath: string
  /** The instance's media key, by which tokens are checked and changes are asked for; null: private videos pass through. */
  readonly keyPath: string | null
  /** Public keys (PEM), any of which may have signed the document; null: the file itself is trusted. */
  readonly signersPath: string | null
  /** Certificates (PEM) of who may vouch for origins and shields over HTTPS. */
  readonly caPath: string
  readonly nginx: { readonly program: string; readonly modulesDir: string }
  /** For how long a new document is watched before it is the last good one. */
  readonly judgeS: number
  readonly scrubBytesPerS: number
  readonly logLevel: string
  readonly protectionsOff: ReadonlySet<Protection>
}

export interface EdgeArguments {
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly dataDir?: string | undefined
  readonly document?: string | undefined
}

const DEFAULT_PORT = 8_080

/** @throws {ConfigError} saying what is wrong or missing */
export function loadEdgeConfig(given: EdgeArguments): EdgeConfig {
  const parsed = Environment.safeParse(environmentWith({}))
  if (!parsed.success) throw new ConfigError(z.prettifyError(parsed.error))
  const e = parsed.data
  const dataDir = resolve(given.dataDir ?? e.EDGE_DATA_DIR ?? '/var/lib/upbeat-edge')
  const document = given.document ?? e.EDGE_DOCUMENT
  if (document === undefined)
    throw new ConfigError('Which document? Give --document FILE, or set EDGE_DOCUMENT.')
  const port = Number(given.port ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new ConfigError(`--port is "${given.port}"; what fits is a whole number from 1 to 65535.`)
  return {
    host: given.host ?? e.HOST,
    port,
    dataDir,
    documentPath: resolve(document),
    keyPath: e.EDGE_KEY_FILE ? resolve(e.EDGE_KEY_FILE) : null,
    signersPath: e.EDGE_SIGNERS_FILE ? resolve(e.EDGE_SIGNERS_FILE) : null,
    caPath: resolve(e.EDGE_CA_FILE),
    nginx: { program: e.NGINX, modulesDir: e.NGINX_MODULES },
    judgeS: e.EDGE_JUDGE_S,
    scrubBytesPerS: e.EDGE_SCRUB_MIB_PER_S * 1024 ** 2,
    logLevel: e.LOG_LEVEL,
    protectionsOff: new Set(
      e.PROTECTIONS_OFF.split(',').filter((name): name is Protection =>
        PROTECTIONS.includes(name as Protection),
      ),
    ),
  }
}

/** Everything under the data folder. */
export const pathsOf = (dataDir: string) => ({
  mirror: join(dataDir, 'mirror'),
  pages: join(dataDir, 'pages'),
  nginx: join(dataDir, 'nginx'),
  releases: join(dataDir, 'releases'),
  fillSocket: join(dataDir, 'nginx', 'fill.sock'),
  controlSocket: join(dataDir, 'nginx', 'control.sock'),
  changes: join(dataDir, 'changes.json'),
})
export type EdgePaths = ReturnType<typeof pathsOf>
