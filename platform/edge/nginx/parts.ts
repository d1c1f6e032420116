/** Where an nginx of an edge runs, and what several parts of its configuration say alike. */

import type { EdgeDocument } from '../../../contract/edge.ts'

export interface NginxPlace {
  readonly host: string
  readonly port: number
  /** Where its own files lie: pid, logs, temporary ones. */
  readonly runDir: string
  readonly mirrorDir: string
  readonly pagesDir: string
  /** Stands in the key of each page that is kept there: another one, and none of them is found. */
  readonly pagesKey: string
  readonly fillSocket: string
  /** Where the agent reads counts and tells the order of the origins. */
  readonly controlSocket: string
  readonly modulesDir: string
  readonly luaDir: string
  /** Read by nginx when it starts, never written into its configuration; null: tokens are left to the origin. */
  readonly keyPath: string | null
  /** Whether what runs as root gives its workers to another user. */
  readonly workerUser: string | null
  readonly isStaleServed: boolean
  /** Whoever signed the certificates of origins over HTTPS (PEM). */
  readonly caPath: string
}

export const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/** Wherever an answer may be an error. What is sent from disk is counted by nginx itself, at no cost. */
export const COUNTED = `log_by_lua_block { if ngx.status >= 500 then ngx.shared.counts:incr('errors', 1, 0) end }`

export const CORS = `add_header Access-Control-Allow-Origin * always;
add_header Access-Control-Expose-Headers "content-length, content-range, accept-ranges, etag, cache-status, repr-digest, upbeat-edge" always;
add_header Timing-Allow-Origin * always;
add_header Cross-Origin-Resource-Policy cross-origin always;
add_header X-Content-Type-Options nosniff always;`

/** A page of another edge asks first whether it may say how urgent a request is, or which part it wants (Fetch, 4.8). */
export const PREFLIGHT = `if ($request_method = OPTIONS) { return 418; }
error_page 418 = @preflight;`

/** As it is, to the origin; over HTTPS only to one that shows a certificate of its name. */
export function renderPassOn({ origins }: EdgeDocument, { caPath }: NginxPlace): string {
  const { protocol } = new URL(origins[0]!.url)
  const verified = `
proxy_ssl_server_name on;
proxy_ssl_name $origin_name;
proxy_ssl_verify on;
proxy_ssl_verify_depth 4;
proxy_ssl_trusted_certificate ${caPath};`
  return `${COUNTED}
proxy_pass ${protocol}//origin;${protocol === 'https:' ? verified : ''}
proxy_http_version 1.1;
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;
proxy_next_upstream error timeout;
proxy_request_buffering off;
proxy_buffering off;
proxy_read_timeout 1h;`
}

export const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ')
