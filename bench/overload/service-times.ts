/** How long requests take at the bottleneck, and what part of the load each class is. */

/** By class: what is played is cheap, a feed page is not. */
export const SERVICE_MS = {
  pool: [10, 24, 22, 20],
  cpu: [6, 14, 11, 9],
} as const

export const MIX = [0.1, 0.3, 0.3, 0.3] as const
