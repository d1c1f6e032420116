/** How long one may wait at a gate, and when a line takes no more. */

/** Whoever is more likely to be turned away than not hears it soon. */
export const MARGIN_WAIT_MS = 10
/** While a cut is in force nobody below class 0 waits for longer than five usual round trips, or than this… */
export const CUT_WAIT_MIN_MS = 50
/**
 * …and in the class that it goes through a newcomer who would wait for longer than this, or than a usual round trip, hears it at once; for half as long at the
 * margin, and where anybody waits in lower classes. So those who are turned away hear it early, and those who may wait are served.
 */
export const LAST_FORESEEN_MS = 12
export const LAST_FORESEEN_MAX_MS = 25
/** So many may wait there in any case: where one at a time is worked on, chance alone makes a line of some. */
export const LAST_LINE_MIN = 3

/** Once the first in a line has waited for this share of the bound, newcomers hear at once that their turn won't come… */
export const CLOSED_AT = 0.8
/** …and from this share on those who came last go first: they may still be in time. */
export const LONG_AT = 0.9
/**
 * While no cut is in force, whoever waits counts as having come so much later, by class. Class 0 always goes first, and
 * what nobody waits for hardly ever before others.
 */
export const COMES_LATER_MS = [0, 0, 60, 200] as const
/** Of the bound, what nobody waits for waits for this share. */
export const LAST_CLASS_WAITS = 0.4
/** Before anything is known, the first requests warm everything up, and those behind them wait for so many times the bound. */
export const COLD_TIMES = 4
/** Where all who ask lately could wait, what keeps them waiting is a moment's standstill, and they wait for so many times the bound. */
export const STANDSTILL_TIMES = 2
