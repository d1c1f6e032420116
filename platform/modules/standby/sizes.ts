/** How much is made, and how often: the same work whatever happens, so that an emergency adds none. */

export interface StandbySizes {
  /** The list for all. @default 200 */
  readonly top: number
  /** Lists for tastes, at most 255. @default 8 */
  readonly cohorts: number
  /** Each of them. @default 100 */
  readonly cohort: number
  /** Cards, of the lists and of what is watched and new besides. @default 1000 */
  readonly cards: number
  /** Of `top`, one in so many is one of the newest videos, whatever the ranking says. @default 4 */
  readonly newestEvery: number
  /** Videos that can be played. @default 2000 */
  readonly media: number
  /** Their manifests at most; the weakest are left out. @default 32 MiB */
  readonly mediaBytes: number
  /** Manifests read in one round. @default 200 */
  readonly mediaRound: number
  /** Accounts whose taste is looked at in one round. @default 200 */
  readonly tastesRound: number
  /** What may wait is written as often as this allows in the long run, in bytes a second for each file… @default 4 KiB */
  readonly writeBps: number
  /** …a small file many times before it has to wait… @default 1 MiB */
  readonly burstBytes: number
  /** …and at least so often while it changes. @default 60 s */
  readonly waitMaxMs: number
  /** Changes of blocks that are kept beside the file of all, before that is written again. @default 1000 */
  readonly blockChanges: number
}

export const DEFAULT_SIZES: StandbySizes = {
  top: 200,
  cohorts: 8,
  cohort: 100,
  cards: 1000,
  newestEvery: 4,
  media: 2000,
  mediaBytes: 32 * 1024 * 1024,
  mediaRound: 200,
  tastesRound: 200,
  writeBps: 4 * 1024,
  burstBytes: 1024 * 1024,
  waitMaxMs: 60_000,
  blockChanges: 1000,
}
