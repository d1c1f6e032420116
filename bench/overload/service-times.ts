/** How long requests take at the bottleneck. */

/** By class: what is played is cheap, a feed page is not. */
export const SERVICE_MS = {
  pool: [10, 24, 22, 20],
  cpu: [6, 14, 11, 9],
} as const
