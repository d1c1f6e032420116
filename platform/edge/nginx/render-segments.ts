/** How an edge's nginx serves segments: from the mirror's folder, after a look at the token where one is needed, else by the agent. */
import type { EdgeDocument } from '../../../contract/edge.ts'
import { renderLimited, renderSegmentLimit } from './render-limits.ts'
import { CORS, COUNTED, indent, PREFLIGHT, renderPassOn, UUID, type NginxPlace } from './parts.ts'

const SEGMENT = `${UUID}/g(?:0|[1-9][0-9]*)/`
const TOKEN = '[A-Za-z0-9_-]{48}'
/** The token, and the video that it opens, in one capture. */
const PASS = `(?=(?<pass>${TOKEN}/${UUID}))${TOKEN}`
const FILE = '/[a-z0-9][a-z0-9_-]*\\.(?:m4s|mp4)'
const IMMUTABLE = 'public, max-age=31536000, immutable'
const SHED_AFTER_MS = 1_000

interface SegmentKind {
  readonly audio: boolean
  readonly isTokened: boolean
}

export function renderSegments(
  { audio, isTokened }: SegmentKind,
  document: EdgeDocument,
  place: NginxPlace,
): string {
  const { name } = document
  const rendition = audio ? 'a[0-9]+' : '[a-z][a-z0-9]*'
  const segment = `${SEGMENT}${rendition}${FILE}`
  const pattern = isTokened ? `^/media/t/${PASS}/(?<tail>${segment})$` : `^/media/${segment}$`
  const type = audio ? 'types { audio/mp4 mp4 m4s; }' : ''
  return `location ~ "${pattern}" {
${indent([renderSegmentLimit(document), renderLimited(document), PREFLIGHT].join('\n'))}
${indent(
  isTokened
    ? `${TOKEN_CHECK}
root ${place.mirrorDir}/tokened;
try_files $not_from_disk/media/$tail @fill_tokened;
add_header Cache-Control $token_cache_control;`
    : `root ${place.mirrorDir}/open;
try_files $not_from_disk$uri @fill;
add_header Cache-Control "${IMMUTABLE}";`,
)}
  ${type}
  # What is on disk and can't be read the agent puts right.
  error_page 500 = ${isTokened ? '@fill_tokened' : '@fill'};
  add_header Last-Modified "";
  add_header Cache-Status "${name}; hit" always;
  add_header Upbeat-Edge ${name} always;
${indent(CORS)}
}`
}

/** A wrong token and a video that is not there look the same. */
const TOKEN_CHECK = `set_by_lua_block $token_cache_control { return cache_control_of(ngx.var.pass) }
if ($token_cache_control = "") { return 404; }`

/** Playlists and pictures of private videos: checked here, kept nowhere. */
export function renderTokenedRest(document: EdgeDocument, place: NginxPlace): string {
  const { name } = document
  return `location ~ "^/media/t/${PASS}/${UUID}/" {
${indent([renderLimited(document), PREFLIGHT].join('\n'))}
${indent(TOKEN_CHECK)}
${indent(renderPassOn(document, place))}
  add_header Upbeat-Edge ${name} always;
  add_header Cache-Status "${name}; fwd=bypass" always;
}`
}

export function renderFills({ limits, name }: EdgeDocument, place: NginxPlace): string {
  const fill = (scope: string) => `${indent(COUNTED)}
  proxy_pass http://agent;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header Upbeat-Fill ${scope};
  proxy_set_header Range "";
  proxy_set_header If-None-Match "";
  proxy_set_header If-Range "";
  proxy_read_timeout ${limits.fetchTimeoutMs + SHED_AFTER_MS}ms;
  # The agent says 503 or 504 of what it could not get; these two are of an agent that is not there.
  error_page 502 504 = @through;
  add_header Upbeat-Edge ${name} always;
  add_header Cache-Status "${name}; fwd=miss" always;
${indent(CORS)}`
  return `location @fill {
${fill('open')}
}
location @fill_tokened {
${fill('tokened')}
}
location ^~ /-/mirror/ {
  internal;
${indent(COUNTED)}
  alias ${place.mirrorDir}/;
  # What was just put right must not be what an open file still holds.
  open_file_cache off;
  add_header Last-Modified "";
  ${place.keyPath ? 'add_header Cache-Control $token_cache_control;' : ''}
  add_header Repr-Digest $upstream_http_repr_digest;
  add_header Cache-Status "${name}; $upstream_http_upbeat_cache" always;
  add_header Upbeat-Edge ${name} always;
${indent(CORS)}
}`
}
