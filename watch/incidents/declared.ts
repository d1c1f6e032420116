/** What a service declares of itself: how each feature works, why and until when, and how far the way back is. Pure. */
import type { FeatureMode, Reason, RegionStatus } from '../../contract/state.ts'

/** How a feature works that does not work as usual, in the service's own words. */
export interface Declared {
  readonly mode: Exclude<FeatureMode, 'on'>
  readonly reason: Reason | null
  /** Its operator's words; null: it was no operator. */
  readonly note: string | null
  readonly sinceMs: number
  /** When an order ends by itself; null: nobody says. */
  readonly untilMs: number | null
  /** What part of the people has it as usual in spite of it. */
  readonly share: number
}

/** A step of the service on its way back. */
export interface RestorationStepView {
  readonly step: string
  readonly atMs: number
  /** Of the people it is open to, from then on. */
  readonly share: number
  readonly why: string
}

/** All that a service declares, as it was read last. */
export interface DeclaredView {
  readonly readAtMs: number
  /** 0 to 5. */
  readonly level: number
  readonly sinceMs: number
  /** The level that its operator has ordered; null: none. */
  readonly order: {
    readonly level: number
    readonly reason: string
    readonly sinceMs: number
    readonly untilMs: number
  } | null
  /** Of its regions those that are not served as usual: decided or on their way, and no outage. */
  readonly regions?: readonly RegionStatus[]
  /** By feature of the catalogue: those that do not work as usual. */
  readonly features: ReadonlyMap<string, Declared>
  /** Oldest first. */
  readonly restoration: readonly RestorationStepView[]
  /** The last release that it took back by itself; null or left out: it tells of none. */
  readonly takenBack?: TakenBackView | null
}

/** A release that a service refused or took back by itself. */
export interface TakenBackView {
  /** Code, or the kind of a document. */
  readonly what: string
  readonly atMs: number
  /** In the service's words. */
  readonly reason: string
  /** Else it was refused before anything used it. */
  readonly wasUsed: boolean
}

/** From good to bad. */
const MODES = ['reduced', 'cached', 'shared', 'kept', 'paused'] as const
/** What is not read again for so long may be over. */
export const DECLARED_HOLDS_MS = 60_000
const STEPS_MAX = 60
/** The same step is told with a time that differs by what its clocks differ. */
const SAME_STEP_MS = 2_000

export const isWorseMode = (a: Declared['mode'], b: Declared['mode']): boolean =>
  MODES.indexOf(a) > MODES.indexOf(b)

/** Whether people notice it: what is only done less often they don't. */
export const isNoticed = ({ mode }: Declared): boolean => mode !== 'reduced'

/** What holds of it now; null: nothing is declared, or it is too long ago. */
export const holdingOf = (told: DeclaredView | null, nowMs: number): DeclaredView | null =>
  told !== null && nowMs - told.readAtMs <= DECLARED_HOLDS_MS ? told : null

/** "A release of code was taken back by itself: 37 of its 37 requests failed." */
export const takenBackWords = ({ what, reason, wasUsed }: TakenBackView): string =>
  `${what === 'code' ? 'A release of code' : `A new document (${what})`} was ${
    wasUsed ? 'taken back by itself' : 'refused before anything used it'
  }: ${reason}`

/** The worst that is declared of any of these features; of equals the first. */
export function worstDeclared(told: DeclaredView | null, featureIds: readonly string[]): Declared | null {
  let worst: Declared | null = null
  for (const id of featureIds) {
    const one = told?.features.get(id)
    if (one && isNoticed(one) && (worst === null || isWorseMode(one.mode, worst.mode))) worst = one
  }
  return worst
}

/** Steps of one way back, as known before and as told now: a service that was started anew has forgotten its first ones. */
export function joinSteps(
  known: readonly RestorationStepView[],
  told: readonly RestorationStepView[],
): readonly RestorationStepView[] {
  const fresh = told.filter(
    (one) =>
      !known.some(
        ({ step, share, atMs }) =>
          step === one.step && share === one.share && Math.abs(atMs - one.atMs) <= SAME_STEP_MS,
      ),
  )
  if (fresh.length === 0) return known
  return [...known, ...fresh].toSorted((a, b) => a.atMs - b.atMs).slice(-STEPS_MAX)
}

const MODE_WORDS: Readonly<Record<Declared['mode'], string>> = {
  reduced: 'done less often',
  cached: 'from memory, with its age',
  shared: 'the same for many or for all',
  kept: 'taken and kept, and done later',
  paused: 'paused',
}

const REASON_WORDS: Readonly<Record<Reason, string>> = {
  overload: 'while more people are there than it can serve',
  database: 'while its database is away',
  ingest: 'while the part that takes uploads is away',
  worker: 'while the part that works behind the answers is away',
  disk: 'while its disk is full or can not be written',
  blobs: 'while its store of videos is away',
  journal: 'while nothing can be written down safely',
  operator: 'ordered by its operator',
  maintenance: 'for maintenance',
  recovering: 'until its turn comes on the way back',
}

/** "paused, ordered by its operator (“new disks”), since 21:04 UTC, until 22:04 UTC". */
export function declaredWords({ mode, reason, note, sinceMs, untilMs, share }: Declared): string {
  const open = share > 0 && share < 1 ? ` (open to ${Math.round(share * 100)} % of people)` : ''
  return (
    MODE_WORDS[mode] +
    open +
    (reason === null ? '' : `, ${REASON_WORDS[reason]}`) +
    (note === null ? '' : ` (“${note}”)`) +
    spanWords(sinceMs, untilMs)
  )
}

/** "level 4 of 5, ordered by its operator (“new disks”), since 21:04 UTC, until 22:04 UTC". */
export function levelWords({
  level,
  sinceMs,
  order,
}: Pick<DeclaredView, 'level' | 'sinceMs' | 'order'>): string {
  // Its load may ask for more than its operator did.
  if (order === null || order.level < level) return `level ${level} of 5${spanWords(sinceMs, null)}`
  return `level ${level} of 5, ${REASON_WORDS.operator} (“${order.reason}”)${spanWords(order.sinceMs, order.untilMs)}`
}

function spanWords(sinceMs: number, untilMs: number | null): string {
  const since = `, since ${instantWords(sinceMs, sinceMs)}`
  return untilMs === null ? since : `${since}, until ${instantWords(untilMs, sinceMs)}`
}

/** "21:04 UTC"; with the day where that is another one. */
function instantWords(ms: number, besideMs: number): string {
  const [iso, beside] = [new Date(ms).toISOString(), new Date(besideMs).toISOString()]
  const day = iso.slice(0, 10) === beside.slice(0, 10) ? '' : `${iso.slice(0, 10)} `
  return `${day}${iso.slice(11, 16)} UTC`
}

/** "eu: closed, “Ordered by a court.”": how a region fares, for people. */
export function regionWords({ name, state, behindS, reason, share }: RegionStatus): string {
  const why = reason === null ? '' : `: “${reason}”`
  switch (state) {
    case 'closed':
      return `${name}: closed in this region${why}`
    case 'reopening':
      return `${name}: opening again, for ${Math.round(share * 100)} % of its people so far${why}`
    case 'catching-up':
      return `${name}: catching up, ${behindS === null ? 'nobody can say how far' : `${Math.round(behindS)} s`} behind`
    case 'unknown':
      return `${name}: how far it is behind is unknown`
    case 'serving':
      return `${name}: served`
  }
}
