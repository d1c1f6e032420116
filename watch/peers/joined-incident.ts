/**
 * One incident out of what its witnesses say. Pure; each field is a least upper bound of theirs, or the word of the one who
 * counts most, so neither their order nor a repetition changes it.
 */
import { OUTAGE_STATES, type Cause, type OutageState, type RankedCause } from '../../engines/detect/index.ts'
import { worstImpactOf } from '../incidents/index.ts'
import { byOnset } from './matching.ts'
import { statementKey, type IncidentStatement } from './statement.ts'

export interface End {
  readonly atMs: number
  /** The watch that saw it after the statement's own went silent; null: its own did. */
  readonly by: string | null
}

/** What one watch says of it. */
export interface Witness {
  readonly statement: IncidentStatement
  readonly end: End | null
}

export interface JoinedIncident {
  readonly serviceId: string
  /** By their onset. */
  readonly witnesses: readonly Witness[]
  /** Whose causes, figures and words are shown: the surest of those that still see it. */
  readonly lead: IncidentStatement
  readonly state: OutageState
  readonly impact: IncidentStatement['impact']
  readonly featureIds: readonly string[]
  readonly regions: readonly string[]
  readonly startedAtMs: number
  readonly detectedAtMs: number
  readonly confirmedAtMs: number | null
  readonly identifiedAtMs: number | null
  readonly recoveringAtMs: number | null
  readonly resolvedAtMs: number | null
  readonly causes: readonly RankedCause[]
  /** What a person said it was; null: no person did. */
  readonly humanCause: Cause | null
  readonly humanTitle: string | null
  readonly confidence: number
  readonly relapses: number
  readonly officialLagMs: number | null
  readonly updatedAtMs: number
  /** Some of those that confirmed it say that it is over, and some that it isn't. */
  readonly isDisputed: boolean
}

/** How sure it is, and how far back it is, are two questions. */
const SURE = ['suspected', 'confirmed', 'identified'] as const
const WAY_BACK = [null, 'mitigating', 'recovering', 'resolved'] as const

/** @param statements of one outage, at least one */
export function joinWords(
  statements: readonly IncidentStatement[],
  endOf: (statement: IncidentStatement) => End | null,
): JoinedIncident {
  const all = statements.toSorted(byOnset).map((statement): Witness => ({ statement, end: endOf(statement) }))
  const counted = countedOf(all)
  const human = humanWords(all)
  const openCount = counted.filter(({ end }) => end === null).length
  const isOver = openCount === 0 || isOverByHuman(human.state, counted)
  const said = counted.map(({ statement }) => statement)
  const lead = leadOf(counted)
  const ends = all.flatMap(({ end }) => end?.atMs ?? [])
  return {
    serviceId: lead.serviceId,
    witnesses: all,
    lead,
    state: isOver ? 'resolved' : joinStates(counted),
    impact: worstImpactOf(said.map(({ impact }) => impact)),
    featureIds: unionOf(said.map(({ featureIds }) => featureIds)),
    regions: said.some(({ regions }) => regions.length === 0)
      ? []
      : unionOf(said.map(({ regions }) => regions)),
    startedAtMs: Math.min(...said.map(({ startedAtMs }) => startedAtMs)),
    detectedAtMs: Math.min(...said.map(({ detectedAtMs }) => detectedAtMs)),
    confirmedAtMs: earliest(all.map(({ statement }) => statement.confirmedAtMs)),
    identifiedAtMs: earliest(all.map(({ statement }) => statement.identifiedAtMs)),
    recoveringAtMs: latest(said.map(({ recoveringAtMs }) => recoveringAtMs)),
    resolvedAtMs: isOver ? (openCount === 0 ? Math.max(...ends) : human.state!.atMs) : null,
    causes: lead.causes,
    humanCause: human.cause?.value ?? null,
    humanTitle: human.title?.value ?? null,
    confidence: Math.max(...said.map(({ confidence }) => confidence)),
    relapses: Math.max(...said.map(({ relapses }) => relapses)),
    officialLagMs: earliest(said.map(({ officialLagMs }) => officialLagMs)),
    updatedAtMs: Math.max(...all.map(({ statement }) => statement.version), ...ends),
    isDisputed: !isOver && openCount < counted.length,
  }
}

/**
 * A mere suspicion neither holds open nor ends what another watch confirmed, and who only took it over saw nothing. Where
 * nobody counts, all do.
 */
function countedOf(all: readonly Witness[]): readonly Witness[] {
  const saw = all.filter(({ statement }) => !statement.isAdopted)
  const confirmed = saw.filter(({ statement }) => statement.confirmedAtMs !== null)
  if (confirmed.length > 0) return confirmed
  return saw.length > 0 ? saw : all
}

/** As sure as the surest of them, and as far back as the least of them. */
function joinStates(counted: readonly Witness[]): OutageState {
  let sure = 0
  let back: number = WAY_BACK.length - 1
  for (const { statement, end } of counted) {
    const state = end === null ? statement.state : 'resolved'
    const wayBack = Math.max(0, WAY_BACK.indexOf(state as (typeof WAY_BACK)[number]))
    back = Math.min(back, wayBack)
    sure = Math.max(sure, surenessOf(statement))
  }
  return WAY_BACK[back] ?? SURE[sure]!
}

function surenessOf({ state, confirmedAtMs, identifiedAtMs }: IncidentStatement): number {
  if (identifiedAtMs !== null || state === 'identified') return 2
  return confirmedAtMs !== null || OUTAGE_STATES.indexOf(state) >= 1 ? 1 : 0
}

/** Of all that people said, the latest. */
function humanWords(all: readonly Witness[]): IncidentStatement['human'] {
  const latestOf = <Key extends keyof IncidentStatement['human']>(key: Key) => {
    let best: IncidentStatement | null = null
    for (const { statement } of all) {
      const word = statement.human[key]
      if (word === null) continue
      const isLater = best === null || word.atMs > best.human[key]!.atMs
      const isTie = best !== null && word.atMs === best.human[key]!.atMs
      if (isLater || (isTie && statementKey(statement) > statementKey(best!))) best = statement
    }
    return best === null ? null : best.human[key]
  }
  return { cause: latestOf('cause'), state: latestOf('state'), title: latestOf('title') }
}

/** A person's word that it is over stands before any machine's, until it breaks anew. */
const isOverByHuman = (word: IncidentStatement['human']['state'], counted: readonly Witness[]): boolean =>
  word?.value === 'resolved' &&
  counted.every(({ statement, end }) => end !== null || statement.startedAtMs <= word.atMs)

/** The surest of those that still see it, else of all; the key decides between equals. */
function leadOf(counted: readonly Witness[]): IncidentStatement {
  const rankOf = ({ statement, end }: Witness) => [
    end === null ? 1 : 0,
    surenessOf(statement),
    statement.confidence,
  ]
  let best = counted[0]!
  for (const witness of counted.slice(1)) {
    const [ours, theirs] = [rankOf(best), rankOf(witness)]
    const at = ours.findIndex((value, index) => value !== theirs[index])
    const isBetter =
      at === -1 ? statementKey(witness.statement) < statementKey(best.statement) : theirs[at]! > ours[at]!
    if (isBetter) best = witness
  }
  return best.statement
}

const unionOf = (lists: readonly (readonly string[])[]): string[] => [...new Set(lists.flat())].sort()

function earliest(times: readonly (number | null)[]): number | null {
  const known = times.filter((atMs) => atMs !== null)
  return known.length > 0 ? Math.min(...known) : null
}

function latest(times: readonly (number | null)[]): number | null {
  const known = times.filter((atMs) => atMs !== null)
  return known.length > 0 ? Math.max(...known) : null
}
