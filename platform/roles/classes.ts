/**
 * What goes first when not everything can: every route with its class, in one table.
 *
 * P0 – what is being watched, whether one is signed in, health. P1 – the feed with its pictures, signing in, the bytes of a
 * begun upload. P2 – what people do besides. P3 – what nobody waits for. Any request may lower itself to P3 (`Priority: u=7`,
 * RFC 9218; a picture, which comes without headers of the page's choice, by `?u=7`), as the web app does for what it fetches
 * ahead and for the covers in its grids; only a signed hint raises one.
 */
import type { AdmissionRule, PriorityClass } from '../../kit/admission/index.ts'
import { API_PREFIX } from './api-prefix.ts'

const P0: AdmissionRule = { class: 0 }
const P1: AdmissionRule = { class: 1 }
const P2: AdmissionRule = { class: 2 }
const P3: AdmissionRule = { class: 3 }
/** A read that shares nothing with others' requests: given up, down to its SQL, when its client is gone. */
const P2_READ: AdmissionRule = { class: 2, isOwnWork: true }
/** As long as the client reads it: the work is done when the answer begins. */
const MEDIA: AdmissionRule = { class: 0, classOf: classOfMedia, holds: 'head' }
const P1_FILE: AdmissionRule = { class: 1, holds: 'head' }
/** Bytes come for as long as the client sends them. */
const P1_BYTES: AdmissionRule = { class: 1, holds: 'nothing' }
/** Open for an hour, and idle for most of it. */
const P2_LASTING: AdmissionRule = { class: 2, holds: 'nothing' }

/** What is passed on to another role has its own class at the door there. */
export const PASSED_ON_RULE: AdmissionRule = { class: 1, holds: 'nothing' }

/** Under /api/v1, by method and path. */
export const CLASSES: Readonly<Record<string, AdmissionRule>> = {
  'GET /me': P0,
  'GET /instance': P0,
  'GET /state': P0,
  'GET /regions': P0,
  'GET /state/restoration': P2_READ,
  // What was hidden goes from the edges by it.
  'GET /edges/changes': P0,
  'GET /operations/backups': P0,
  'GET /operations/state': P0,
  'GET /operations/history': P0,
  'GET /operations/audit': P0,
  'GET /operations/releases': P0,
  'GET /operations/edges': P0,
  'POST /operations/orders': P0,

  // Who is asked for it waits for the page.
  'GET /proof': P1,
  'POST /proof': P1,
  'POST /sessions': P1,
  'DELETE /sessions/current': P1,
  'POST /sessions/confirmations': P1,
  'POST /sessions/passkey-options': P1,
  'POST /sessions/passkey': P1,
  'POST /sign-in-denials': P1,
  'POST /password-resets': P1,
  'POST /me/sign-ins/:id/denial': P1,
  'POST /accounts': P1,
  'GET /feed/for-you': P1,
  'GET /feed/following': P1,
  'GET /videos/:id': P1,
  'PATCH /uploads/:id': P1_BYTES,
  'POST /uploads/:id': P1_BYTES,
  'PUT /uploads/:id/index': P1_BYTES,
  'HEAD /uploads/:id': P1,
  'GET /uploads/:id': P1,
  'OPTIONS /uploads': P1,
  'OPTIONS /uploads/:id': P1,

  'POST /uploads': { class: 2, holds: 'nothing' },
  'PUT /uploads/body-probe': { class: 2, holds: 'nothing' },
  'DELETE /uploads/:id': P2,
  'GET /uploads': P2_READ,
  'GET /uploads/limits': P2,
  'GET /sessions': P2,
  'DELETE /sessions/:id': P2,
  'PATCH /me': P2,
  'PUT /me/password': P2,
  'PUT /me/email': P2,
  'GET /me/security': P2,
  'POST /me/proof': P2,
  'POST /me/proof/passkey-options': P2,
  'POST /me/totp': P2,
  'PUT /me/totp': P2,
  'DELETE /me/totp': P2,
  'POST /me/recovery-codes': P2,
  'POST /me/passkeys/options': P2,
  'POST /me/passkeys': P2,
  'DELETE /me/passkeys/:id': P2,
  'PUT /me/picture': P2,
  'DELETE /me/picture': P2,
  'GET /search': P2_READ,
  'GET /tags/:tag/videos': P2_READ,
  'PATCH /videos/:id': P2,
  'DELETE /videos/:id': P2,
  'POST /videos/:id/publish': P2,
  'GET /me/videos': P2_READ,
  'PUT /videos/:id/like': P2,
  'DELETE /videos/:id/like': P2,
  'PUT /videos/:id/save': P2,
  'DELETE /videos/:id/save': P2,
  'GET /me/liked': P2_READ,
  'GET /me/saved': P2_READ,
  'POST /videos/:id/shares': P2,
  'GET /videos/:id/comments': P2_READ,
  'POST /videos/:id/comments': P2,
  'GET /comments/:id/replies': P2_READ,
  'DELETE /comments/:id': P2,
  'PUT /comments/:id/like': P2,
  'DELETE /comments/:id/like': P2,
  'GET /profiles/:handle': P2_READ,
  'GET /profiles/:handle/videos': P2_READ,
  'GET /profiles/:handle/followers': P2_READ,
  'GET /profiles/:handle/following': P2_READ,
  'PUT /profiles/:handle/follow': P2,
  'DELETE /profiles/:handle/follow': P2,
  'PUT /profiles/:handle/block': P2,
  'DELETE /profiles/:handle/block': P2,
  'GET /me/blocks': P2_READ,
  'GET /notifications': P2_READ,
  'POST /notifications/read': P2,
  'GET /updates': P2_LASTING,

  'POST /views': P3,
  'GET /problems': P3,
}

/** Everywhere else. */
const PAGES: Readonly<Record<string, AdmissionRule>> = {
  'GET /healthz': P0,
  'GET /metrics': P0,
  'GET /media/*': MEDIA,
  'OPTIONS /media/*': P0,
  // The app's own code and shell: without them nothing is watched.
  'GET /_app/*': P1_FILE,
  'GET /*': P1_FILE,
  'GET /v/:id': P1,
  'GET /@:handle': P2,
  'GET /api/openapi.json': P3,
}

/** By the path alone: a query of the sender's choice raises nothing. */
const WATCHED = /^[^?]*\.(?:m3u8|m4s|mp4)(?:\?|$)/

/**
 * Playlists and segments are being watched; a picture is seen with the page, or is one of many in a grid. What is neither
 * goes no further ahead than a picture.
 */
function classOfMedia(url: string): PriorityClass {
  if (WATCHED.test(url)) return 0
  return url.endsWith('?u=7') ? 3 : 1
}

/** The rule of a route; undefined: the table does not know it. */
export function ruleOfRoute(method: string, url: string): AdmissionRule | undefined {
  const isOperation = url.startsWith(`${API_PREFIX}/`)
  const table = isOperation ? CLASSES : PAGES
  const path = isOperation ? url.slice(API_PREFIX.length) : url
  const rule = table[`${method} ${path}`] ?? (method === 'HEAD' ? table[`GET ${path}`] : undefined)
  // Pages and files of the web app come by whatever name the build gives them.
  return rule ?? (isOperation ? undefined : P1_FILE)
}
