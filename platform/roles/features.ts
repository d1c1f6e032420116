/**
 * Which feature each route belongs to, in one table, and how far down it is still let in: what its module can serve from
 * memory or disk is `cached` or `shared`, what it can write down for later is `kept`.
 *
 * Routes that are not here belong to no feature: they are let in always.
 */
import type { FeatureRule } from '../app/feature-gate.ts'
import { API_PREFIX } from './api-prefix.ts'

const SIGN_IN: FeatureRule = { feature: 'sign-in' }
const KEPT_REACTION: FeatureRule = { feature: 'reactions', upTo: 'kept' }
const REACTION: FeatureRule = { feature: 'reactions' }
const COMMENT: FeatureRule = { feature: 'comments' }
/** The bytes come for as long as somebody sends them. */
const UPLOAD_BYTES: FeatureRule = { feature: 'uploads', isClientPaced: true }
/** A region's replica has these without the database. */
const SEARCH: FeatureRule = { feature: 'search', upTo: 'cached' }
const PROFILE: FeatureRule = { feature: 'profiles', upTo: 'cached' }
const PROFILE_LIST: FeatureRule = { feature: 'profiles' }
const NOTIFICATION: FeatureRule = { feature: 'notifications' }

/** Under /api/v1, by method and path. */
export const FEATURES_OF_ROUTES: Readonly<Record<string, FeatureRule>> = {
  'GET /feed/for-you': { feature: 'feed', upTo: 'shared' },
  'GET /feed/following': { feature: 'feed', upTo: 'shared' },

  'POST /sessions': SIGN_IN,
  'POST /sessions/confirmations': SIGN_IN,
  'POST /sessions/passkey-options': SIGN_IN,
  'POST /sessions/passkey': SIGN_IN,
  'POST /password-resets': SIGN_IN,
  'POST /accounts': SIGN_IN,
  'PUT /me/password': SIGN_IN,

  'PUT /videos/:id/like': KEPT_REACTION,
  'DELETE /videos/:id/like': KEPT_REACTION,
  'PUT /videos/:id/save': KEPT_REACTION,
  'DELETE /videos/:id/save': KEPT_REACTION,
  'PUT /profiles/:handle/follow': KEPT_REACTION,
  'DELETE /profiles/:handle/follow': KEPT_REACTION,
  'GET /me/liked': REACTION,
  'GET /me/saved': REACTION,
  'POST /videos/:id/shares': REACTION,

  'GET /videos/:id/comments': { feature: 'comments', upTo: 'kept' },
  'POST /videos/:id/comments': { feature: 'comments', upTo: 'kept' },
  'GET /comments/:id/replies': COMMENT,
  'DELETE /comments/:id': COMMENT,
  'PUT /comments/:id/like': COMMENT,
  'DELETE /comments/:id/like': COMMENT,

  // A whole file may come with it.
  'POST /uploads': UPLOAD_BYTES,
  'PATCH /uploads/:id': UPLOAD_BYTES,
  'POST /uploads/:id': UPLOAD_BYTES,
  'PUT /uploads/:id/index': UPLOAD_BYTES,

  'GET /search': SEARCH,
  'GET /tags/:tag/videos': SEARCH,

  'GET /profiles/:handle': PROFILE,
  'GET /profiles/:handle/videos': PROFILE,
  'GET /profiles/:handle/followers': PROFILE_LIST,
  'GET /profiles/:handle/following': PROFILE_LIST,

  'GET /notifications': NOTIFICATION,
  'POST /notifications/read': NOTIFICATION,

  'POST /views': { feature: 'telemetry', upTo: 'kept' },
}

/** The feature of a route; undefined: it belongs to none. */
export const featureOfRoute = (method: string, url: string): FeatureRule | undefined =>
  url.startsWith(`${API_PREFIX}/`)
    ? FEATURES_OF_ROUTES[`${method} ${url.slice(API_PREFIX.length)}`]
    : method === 'GET' && url.startsWith('/media/')
      ? { feature: 'playback', upTo: 'cached' }
      : undefined
