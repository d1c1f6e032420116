/** How long one may wait at a gate, and when a line takes no more. */

/** Whoever is more likely to be turned away than not hears it soon. */
const MARGIN_WAIT_MS = 9
const MARGIN_WAIT_MAX_MS = 16
const MARGIN_WAITS_TURNS = 1.5
/**
 * Where requests take so many turns in the mean, whoever is let into the line is served, at the margin or not: each has a
 * place for a part of its time only, and places stay empty unless more wait than can begin.
 */
export const SEVERAL_TURNS = 1.5
/** While a cut is in force nobody below class 0 waits for longer than so many usual round trips, or than this… */
const CUT_WAITS_USUAL = 5
const CUT_WAIT_MIN_MS = 40
/** …and in the class that the cut goes through, where what comes above goes first, not for longer than so many, or than this. */
const LAST_WAITS_USUAL = 2.5
const LAST_WAIT_MIN_MS = 12
const LAST_WAITS_TURNS = 3
/**
 * Who would wait for longer than so many usual round trips hears it at once: those who are turned away hear it early, and
 * those who may wait are served.
 */
const FORESEEN_USUAL = 2.5
const FORESEEN_MIN_MS = 12
/** In the class that the cut goes through it is two usual round trips, within these bounds; at the margin half as long. */
const LAST_FORESEEN_USUAL = 2
const LAST_FORESEEN_MAX_MS = 100
/** So many may wait in any case: where one at a time is worked on, chance alone makes a line of some… */
const LINE_MIN = 3
/** …and so many in the class that the cut goes through. */
const LAST_LINE_MIN = 1

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

/**
 * How long who is served in every request waits at most while a cut is in force.
 *
 * @param usualMs what a request takes in quiet.
 * @param turnMs how long a turn of the thread that begins them takes.
 */
export const cutWaitMs = (isLastClass: boolean, usualMs: number, turnMs: number): number =>
  isLastClass
    ? Math.max(LAST_WAIT_MIN_MS, LAST_WAITS_USUAL * usualMs, LAST_WAITS_TURNS * turnMs)
    : Math.max(CUT_WAIT_MIN_MS, CUT_WAITS_USUAL * usualMs)

/** How long at the margin: nobody is begun sooner than in the next turn of a busy thread. */
export const marginWaitMs = (usualMs: number, turnMs: number): number =>
  Math.max(MARGIN_WAIT_MS, Math.min(MARGIN_WAIT_MAX_MS, usualMs / 2), MARGIN_WAITS_TURNS * turnMs)

/** How many may go before a newcomer of a class that is served wholly. */
export const placesBefore = (usualMs: number, servedPerMs: number): number =>
  Math.max(LINE_MIN, Math.max(FORESEEN_MIN_MS, FORESEEN_USUAL * usualMs) * servedPerMs)

/** How many may go before a newcomer of the class that the cut goes through; `leftPerMs` is what is left for it. */
export function placesBeforeLast(isAtMargin: boolean, usualMs: number, leftPerMs: number): number {
  const places =
    Math.min(LAST_FORESEEN_MAX_MS, Math.max(FORESEEN_MIN_MS, LAST_FORESEEN_USUAL * usualMs)) *
    Math.max(0, leftPerMs)
  return isAtMargin ? places / 2 : Math.max(LAST_LINE_MIN, places)
}
