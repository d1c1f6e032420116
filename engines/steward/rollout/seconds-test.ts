/**
 * Whether events are denser in one arm second after second, where those of one second may all have one cause.
 *
 * A pause of a process makes every request of that moment slow, so requests are no independent draws; which of two equal
 * processes pauses is one, however many requests it answers. Of each second only the canary's part x of both arms' rates
 * counts, between 0 and 1, and capital is multiplied by 1 + λ(x − p). Where p is at least the mean of x as long as the arms
 * are alike, that capital is a nonnegative supermartingale, whatever else the distribution of x: it ever reaches 1/α with a
 * chance of at most α (Ville), however often one looks.
 *
 * - I. Waudby-Smith, A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024), section 4
 * - G. Shafer, "Testing by betting", JRSS A 184 (2021)
 */
import { createMixture, type Counted, type SequentialTest } from './sequential-test.ts'

/** Of what may be bet at most; each has an equal part of the capital. */
const BETS = [0.5, 0.95] as const

/** From so many events on a rate's chance of being uneven by few events is less than one in a hundred. */
const MANY_EVENTS = 64

/** Begins with nothing known. */
export const createSecondsTest = (): SequentialTest =>
  createMixture(BETS, (canary, baseline) => {
    const load = canary.trials / (canary.trials + baseline.trials)
    const mean = Math.max(0.5, meanByChance(canary.events + baseline.events, load))
    const part = partOf(canary, baseline)
    return (bet) => Math.log1p((bet / mean) * (part - mean))
  })

/** The canary's part of the sum of both rates. */
function partOf(canary: Counted, baseline: Counted): number {
  const [rate, usual] = [canary.events / canary.trials, baseline.events / baseline.trials]
  return rate / (rate + usual)
}

/**
 * Mean of that part where so many events fall to the canary with the chance `load`, each by itself: a single event of an
 * arm that answers nine of ten requests is that arm's nine times of ten.
 */
function meanByChance(events: number, load: number): number {
  // Of many events the part hardly strays from one half, and what is left of it is on the side of caution.
  const draws = Math.min(events, MANY_EVENTS)
  let [chance, mean] = [(1 - load) ** draws, 0]
  for (let hits = 0; hits <= draws; hits++) {
    const [rate, usual] = [hits / load, (draws - hits) / (1 - load)]
    mean += chance * (rate / (rate + usual))
    chance *= ((draws - hits) / (hits + 1)) * (load / (1 - load))
  }
  return mean
}
