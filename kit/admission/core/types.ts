/** Words of admission, for its pure part and for those who stand around it. */

/** 0 is served first, 3 last. */
export type PriorityClass = 0 | 1 | 2 | 3

export const CLASS_COUNT = 4

/** Persons of one class fall into so many ranks; those of the lowest ranks go first. */
export const RANK_COUNT = 64

/**
 * Why somebody was turned away:
 * `cut` – with what comes in now, this person's turn in this class will not come;
 * `waited` – it waited for as long as may be waited;
 * `deadline` – the answer would come after the asker has given up;
 * `share` – this person asks for more than a fair share, and nothing is left beyond what others ask for;
 * `full` – so many wait, or have waited for so long, that a newcomer would wait in vain.
 */
export type Refusal = 'cut' | 'share' | 'waited' | 'deadline' | 'full'

export const REFUSALS: readonly Refusal[] = ['cut', 'share', 'waited', 'deadline', 'full']
