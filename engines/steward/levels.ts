/** The table of levels: which feature works how, from everything (0) to what is cached alone (5). */

/** From good to bad: `contract/state.ts` says what each means to people. */
export const MODES = ['on', 'reduced', 'cached', 'shared', 'kept', 'paused'] as const
export type Mode = (typeof MODES)[number]

export const LEVELS = [0, 1, 2, 3, 4, 5] as const
export type Level = (typeof LEVELS)[number]

type Row = readonly [Mode, Mode, Mode, Mode, Mode, Mode]

const TABLE = {
  playback: ['on', 'on', 'on', 'on', 'on', 'cached'],
  feed: ['on', 'on', 'on', 'shared', 'shared', 'paused'],
  'sign-in': ['on', 'on', 'on', 'on', 'on', 'paused'],
  reactions: ['on', 'on', 'on', 'on', 'kept', 'paused'],
  comments: ['on', 'on', 'cached', 'cached', 'kept', 'paused'],
  counts: ['on', 'on', 'cached', 'cached', 'paused', 'paused'],
  uploads: ['on', 'on', 'on', 'on', 'paused', 'paused'],
  search: ['on', 'on', 'on', 'on', 'paused', 'paused'],
  suggestions: ['on', 'on', 'paused', 'paused', 'paused', 'paused'],
  profiles: ['on', 'on', 'on', 'on', 'paused', 'paused'],
  notifications: ['on', 'on', 'on', 'on', 'paused', 'paused'],
  processing: ['on', 'on', 'reduced', 'paused', 'paused', 'paused'],
  prefetch: ['on', 'paused', 'paused', 'paused', 'paused', 'paused'],
  telemetry: ['on', 'reduced', 'reduced', 'reduced', 'kept', 'paused'],
} as const satisfies Record<string, Row>

export type Feature = keyof typeof TABLE
export const FEATURES = Object.keys(TABLE) as readonly Feature[]

/** How a feature works at a level. */
export const modeAt = (level: Level, feature: Feature): Mode => TABLE[feature][level]

/** Whether the first mode has less than the second. */
export const isWorse = (mode: Mode, than: Mode): boolean => MODES.indexOf(mode) > MODES.indexOf(than)
