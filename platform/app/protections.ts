/** What a drill may switch off, to see what happens then. */

export const PROTECTIONS = [
  'admission',
  'guard',
  'standby',
  'journal',
  'levels',
  'restoration',
  'drain',
  /** Slow clients are cut off (slow-clients.ts). */
  'patience',
  /** Those who ask too often are turned away, and strangers prove work under pressure (abuse/). */
  'limits',
  /** What two processes died of is refused (supervisor/desk/suspects.ts). */
  'poison-bars',
  /** An upload that crashes the encoder again is put aside (modules/transcoding/lanes.ts). */
  'upload-quarantine',
  /** What died is started again (supervisor). */
  'restarts',
  /** A release is compared with what ran before (supervisor). */
  'judge',
  /** Signing in costs strangers more as guesses add up (modules/accounts). */
  'sign-in-guard',
  /** A closed region is refused (modules/regions). */
  'regions',
  /** What is merely looked at is read from the region's replica (modules/regions). */
  'replica-reads',
  /** What an edge takes from a source is held against its hash, and rot is looked for (edge/mirror). */
  'digests',
  /** Who misses the same at the same time shares one fetch (edge/core/coalesce.ts). */
  'coalescing',
  /** What is old is served while nothing newer can be had; sources that all look down stay in use. */
  'staleness',
  /** What has more than its share passes it on (edge/core/pick-source.ts). */
  'bounded-load',
  /** An edge's document is tried before it is applied, and taken back when it does harm (edge/releases). */
  'document-guard',
  /** Players are told of other places that have the same media (MEDIA_URLS). */
  'other-edges',
  /** The app is told by which other addresses the instance is reached (OTHER_URLS). */
  'other-addresses',
  /** Who was asleep doubts what it sees on waking (engines/steward/doubt.ts). */
  'doubt',
  /** An upload begins only where there is room for it (uploads/limits.ts). */
  'room',
  /** Durations are told by a clock that only goes forward. */
  'monotonic',
  /** What our own PostgreSQL has committed is written before it is said so. */
  'durability',
  /** Documents are checked before anything uses them. */
  'document-check',
] as const
export type Protection = (typeof PROTECTIONS)[number]
