/** Delivery: playlists, segments and pictures over HTTP, by addresses that caches can keep. */
export { registerMedia } from './delivery.routes.ts'
