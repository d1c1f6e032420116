/** How long requests take at the bottleneck. */

/** By class: what is played is cheap, a feed page is not. */
export const SERVICE_MS = {
  pool: [10, 24, 22, 20],
  cpu: [3, 7, 5.5, 4.5],
} as const
