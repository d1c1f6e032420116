/**
 * What one address may ask of an edge. Who asks for more gets 429 in nginx itself, before anything is looked up.
 *
 * @see RFC 6585 (status 429)
 */
import type { EdgeDocument } from '../../../contract/edge.ts'

/** Some 80,000 addresses each; then the one that was quiet for longest is forgotten. */
const ZONE = '10m'
const RETRY_AFTER_S = 1

/** For the level of http. */
export function renderZones({ limits: { perAddress } }: EdgeDocument): string {
  if (perAddress === null) return ''
  return `# An IPv4 address, or an IPv6 network of 64 bits, as its bytes.
map $binary_remote_addr $network { default $binary_remote_addr; "~(?s)^(?<net>.{8}).{8}$" $net; }
# What is on this machine is a proxy, or its own check.
map $remote_addr $who { default $network; 127.0.0.1 ""; ::1 ""; }
limit_req_zone $who zone=requests:${ZONE} rate=${perAddress.requestsPerS}r/s;
limit_req_zone $who zone=segments:${ZONE} rate=${perAddress.segmentsPerS}r/s;
limit_conn_zone $who zone=connections:${ZONE};
limit_req_status 429;
limit_conn_status 429;
limit_req_log_level info;
limit_conn_log_level info;`
}

/** For the server: of all that has no limit of its own. */
export function renderServerLimits({ limits: { perAddress } }: EdgeDocument): string {
  if (perAddress === null) return ''
  return `limit_conn connections ${perAddress.connections};
limit_req zone=requests burst=${perAddress.requestsPerS} nodelay;
${LIMITED}
location @limited {
  default_type application/problem+json;
  add_header Retry-After ${RETRY_AFTER_S} always;
  add_header Cache-Control no-store always;
  add_header Access-Control-Allow-Origin * always;
  return 429 '{"type":"about:blank","code":"too-many-requests","status":429,"title":"Too many requests","detail":"More comes from your network than one may ask for. Try again in a second.","retryAfterS":${RETRY_AFTER_S}}';
}`
}

/** For locations of segments: a film that starts takes many at once. */
export const renderSegmentLimit = ({ limits: { perAddress } }: EdgeDocument): string =>
  perAddress === null ? '' : `limit_req zone=segments burst=${perAddress.segmentsPerS} nodelay;`

/** For locations that have error pages of their own, as they don't inherit the server's. */
export const renderLimited = ({ limits: { perAddress } }: EdgeDocument): string =>
  perAddress === null ? '' : LIMITED

const LIMITED = 'error_page 429 = @limited;'
