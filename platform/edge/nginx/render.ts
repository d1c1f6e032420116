/** From an edge's document to nginx's configuration: the only way in which it is ever written. Pure. */
import type { EdgeDocument } from '../../../contract/edge.ts'
import { COUNTED, indent, PREFLIGHT, renderPassOn, UUID, type NginxPlace } from './parts.ts'
import { renderLimited, renderServerLimits, renderZones } from './render-limits.ts'
import { renderFills, renderSegments, renderTokenedRest } from './render-segments.ts'

/** Where there is something else to give, nobody waits for long. */
const SUBSTITUTED_AFTER_S = 1

/** The whole of nginx.conf. */
export function renderNginx(document: EdgeDocument, place: NginxPlace): string {
  return `${renderMain(document, place)}
http {
${indent([renderHttp(document, place), renderZones(document), renderUpstreams(document, place), renderServer(document, place), renderControl(place)].join('\n'))}
}
`
}

function renderMain({ limits }: EdgeDocument, place: NginxPlace): string {
  return `# Made by the edge's agent from its document: changes are lost.
load_module ${place.modulesDir}/ndk_http_module.so;
load_module ${place.modulesDir}/ngx_http_lua_module.so;
${place.workerUser ? `user ${place.workerUser};` : ''}
worker_processes auto;
pcre_jit on;
worker_rlimit_nofile ${limits.connectionsMax * 2 + 1024};
# What is played goes on over a change of the configuration; who keeps a connection for ever does not.
worker_shutdown_timeout 60s;
pid ${place.runDir}/nginx.pid;
error_log ${place.runDir}/error.log warn;
events {
  worker_connections ${limits.connectionsMax};
  multi_accept on;
}`
}

function renderHttp({ limits, name, passedOn }: EdgeDocument, place: NginxPlace): string {
  return `types {
  video/mp4 mp4 m4s;
}
default_type application/octet-stream;
server_tokens off;
access_log off;
sendfile on;
sendfile_max_chunk 512k;
tcp_nopush on;
tcp_nodelay on;
keepalive_timeout 30s;
keepalive_requests 10000;
client_header_timeout 10s;
client_body_timeout 10s;
send_timeout 20s;
reset_timedout_connection on;
client_max_body_size 0;
large_client_header_buffers 4 16k;
open_file_cache max=20000 inactive=60s;
open_file_cache_valid 1s;
open_file_cache_errors off;
if_modified_since off;
recursive_error_pages on;
uninitialized_variable_warn off;
client_body_temp_path ${place.runDir}/body;
proxy_temp_path ${place.runDir}/proxy;
fastcgi_temp_path ${place.runDir}/fastcgi;
uwsgi_temp_path ${place.runDir}/uwsgi;
scgi_temp_path ${place.runDir}/scgi;
proxy_cache_path ${place.pagesDir} levels=1:2 keys_zone=pages:16m max_size=${limits.pagesMaxBytes} inactive=${limits.staleForS}s use_temp_path=off;
lua_shared_dict counts 1m;
lua_shared_dict origins 64k;
lua_package_path '${place.luaDir}/?.lua;;';
init_by_lua_block {
  local media_token = require 'media-token'
  ${place.keyPath ? `media_token.open('${place.keyPath}')` : ''}
  cache_control_of = media_token.cache_control
}
# What asks for a digest, or for a look at the disk, passes the agent.
map $http_want_repr_digest$http_cache_control $not_from_disk { default ""; "~*(sha-256|no-cache)" "/-none"; }
map $upstream_cache_status $page_cache_status {
  default "${name}; fwd=miss";
  HIT "${name}; hit";
  STALE "${name}; hit; ttl=-1";
  UPDATING "${name}; hit; ttl=-1";
  EXPIRED "${name}; fwd=stale";
  REVALIDATED "${name}; fwd=stale; fwd-status=304";
  BYPASS "${name}; fwd=bypass";
}
map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
geo $is_passed_on { default 0; ${passedOn.map((network) => `${network} 1; `).join('')}127.0.0.1 0; ::1 0; }
# The first page of everyone's feed is one and the same, however many were asked for.
map $arg_cursor $feed_of_all { default $request_uri; "" /api/v1/feed/for-you; }`
}

function renderUpstreams({ origins, limits }: EdgeDocument, place: NginxPlace): string {
  return `upstream agent {
  server unix:${place.fillSocket} max_fails=0;
  keepalive 64;
}
# The agent tells the addresses, the best first; as long as it has told none, those that the document names.
upstream origin {
  server 0.0.0.1;
  balancer_by_lua_block {
    local balancer = require 'ngx.balancer'
    local order = ngx.shared.origins:get('order') or '${origins.map(({ url }) => `${addressOf(url)}/${new URL(url).hostname}`).join(' ')}'
    local addresses = {}
    for host, port, name in order:gmatch('(%S+):(%d+)/(%S+)') do addresses[#addresses + 1] = { host, tonumber(port), name } end
    local at = (ngx.ctx.tried or 0) + 1
    ngx.ctx.tried = at
    if at == 1 and #addresses > 1 then balancer.set_more_tries(1) end
    local address = addresses[(at - 1) % #addresses + 1]
    local patience = ngx.var.has_substitute == '1' and ${SUBSTITUTED_AFTER_S} or ${Math.ceil(limits.fetchTimeoutMs / 1000)}
    balancer.set_timeouts(1, 30, patience)
    ngx.var.origin_name = address[3]
    assert(balancer.set_current_peer(address[1], address[2]))
  }
  keepalive 64;
}`
}

/** `127.0.0.1:8080`; names are resolved by the agent, which tells addresses. */
export function addressOf(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  return `${hostname === 'localhost' ? '127.0.0.1' : hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

function renderServer(document: EdgeDocument, place: NginxPlace): string {
  const { name, hosts } = document
  return `server {
  listen ${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port} backlog=4096${hosts.length > 0 ? '' : ' default_server'};
  server_name ${hosts.length > 0 ? hosts.join(' ') : '_'};
  # Whose certificate an origin has to show; set with its address.
  set $origin_name '';
  if ($is_passed_on) { return 418; }
  error_page 418 = @through;
${indent(
  [
    renderServerLimits(document),
    renderSegments({ audio: true, isTokened: false }, document, place),
    renderSegments({ audio: false, isTokened: false }, document, place),
    ...(place.keyPath
      ? [
          renderSegments({ audio: true, isTokened: true }, document, place),
          renderSegments({ audio: false, isTokened: true }, document, place),
          renderTokenedRest(document, place),
        ]
      : []),
    renderFills(document, place),
    renderPages(document, place),
    renderThrough(document, place),
  ].join('\n'),
)}
  location = /-/edge {
    proxy_pass http://agent/-/status;
    proxy_set_header Connection "";
    proxy_http_version 1.1;
    add_header Cache-Control no-store always;
    add_header Access-Control-Allow-Origin * always;
    proxy_intercept_errors on;
    error_page 502 504 = @alone;
  }
  location @alone {
    default_type application/json;
    return 200 '{"name":"${name}","state":"serving","agent":"away"}';
  }
  location = /-/edge/alive { return 204; }
  location ^~ /-/ { return 404; }
  location @preflight {
    add_header Access-Control-Allow-Origin * always;
    add_header Access-Control-Allow-Methods "GET, HEAD, OPTIONS" always;
    add_header Access-Control-Allow-Headers "range, if-range, if-none-match, priority" always;
    add_header Access-Control-Max-Age 86400 always;
    return 204;
  }
}`
}

/** What everyone gets alike: kept by nginx, fetched once by the agent, served old when there is nothing newer. */
function renderPages(document: EdgeDocument, place: NginxPlace): string {
  const { name, statusUrl } = document
  const pageOf = (key: string) => `${indent(COUNTED)}
  proxy_pass http://agent;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header Upbeat-Fill page;
  # The agent is quick to say no where an old one is kept.
  proxy_set_header Upbeat-Kept $upstream_cache_status;
  proxy_set_header Cookie "";
  proxy_set_header Accept-Encoding "";
  proxy_cache pages;
  proxy_cache_key "${place.pagesKey} $host${key}";
  ${place.isStaleServed ? 'proxy_cache_use_stale error timeout invalid_header updating http_500 http_502 http_503 http_504;\n  proxy_cache_background_update on;' : ''}
  proxy_ignore_client_abort on;
  proxy_hide_header X-Accel-Expires;
  gzip on;
  gzip_types application/json application/vnd.apple.mpegurl text/css text/javascript application/javascript image/svg+xml;
  # Of an agent that is not there; what it could not get itself is a 503.
  error_page 502 504 = @through;
  ${renderLimited(document)}
  add_header Cache-Status $page_cache_status always;
  add_header Upbeat-Edge ${name} always;
`
  const page = pageOf('$request_uri')
  return `location ~ "^/media/${UUID}/[a-z0-9/_-]+\\.(?:m3u8|jpg|webp)$" {
${indent(PREFLIGHT)}
${page}}
location ~ "^/media/pictures/" {
${indent(PREFLIGHT)}
${page}}
location ~ "^/(?:_app/|icons/|fonts/|api/v1/instance$|manifest\\.webmanifest$|favicon)" {
${page}}
location = /api/v1/feed/for-you {
  if ($http_cookie) { return 418; }
  if ($http_authorization) { return 418; }
  error_page 418 = @feed_of_one;
${page}}
# Who is known gets his own feed; when there is nobody to make it, everyone's.
location @feed_of_one {
  set $has_substitute 1;
${indent(renderPassOn(document, place))}
  proxy_intercept_errors on;
  error_page 500 502 503 504 = @feed_of_all;
  add_header Upbeat-Edge ${name} always;
  add_header Cache-Status "${name}; fwd=bypass" always;
}
location @feed_of_all {
  if ($arg_cursor = "") { rewrite ^ /api/v1/feed/for-you? break; }
${pageOf('$feed_of_all')}}
${statusUrl === null ? '' : `location = /status.json {\n${page}}`}
location = / {
${page}}
location ~ "^/(?:v|@[^/]+|search|about|tag)(?:/|$)" {
${page}}`
}

/** Everything else belongs to the origin: writes, live updates, uploads. */
function renderThrough(document: EdgeDocument, place: NginxPlace): string {
  const { name } = document
  const through = renderPassOn(document, place)
  return `location / {
${indent(through)}
  add_header Upbeat-Edge ${name} always;
  error_page 502 504 = @away;
  ${renderLimited(document)}
}
location @through {
${indent(through)}
  add_header Upbeat-Edge ${name} always;
  add_header Cache-Status "${name}; fwd=bypass" always;
}
location @away {
${indent(COUNTED)}
  default_type application/problem+json;
  add_header Retry-After 5 always;
  add_header Upbeat-Edge ${name} always;
  add_header Cache-Control no-store always;
  return 503 '{"type":"about:blank","code":"origin-away","status":503,"title":"This part can not be reached at this moment","detail":"The edge that you reached plays on; what needs the origin waits for it. Try again in some seconds."}';
}`
}

/** For the agent alone: counts, and in which order origins are asked. */
function renderControl(place: NginxPlace): string {
  return `server {
  listen unix:${place.controlSocket};
  location = /counts {
    content_by_lua_block {
      local requests = ngx.location.capture('/requests').body:match('%d+%s+%d+%s+(%d+)')
      ngx.say('{"requests":', requests, ',"errors":', ngx.shared.counts:get('errors') or 0, '}')
    }
  }
  location = /requests { internal; stub_status; }
  location = /order {
    content_by_lua_block {
      ngx.shared.origins:set('order', ngx.var.arg_to:gsub(',', ' '))
      ngx.say('{}')
    }
  }
}`
}
