/**
 * Which statements tell of the same outage. Pure, and a function of the set: in which order they came makes no difference.
 */
import { statementKey, type IncidentStatement } from './statement.ts'

/** One watch may find an outage so long after another one has lost sight of it. */
export const SAME_TIME_MS = 2 * 60_000

/**
 * Names that are compared in all, of features and regions. Beyond it statements stand for themselves: whoever says much of
 * everything must not keep this watch from everything else.
 */
export const COMPARED_MAX = 1_000_000

type OverAt = (statement: IncidentStatement) => number | null

/** Groups of statements that tell of one outage each; within a group and among groups in the order of onset and key. */
export function matchStatements(
  statements: readonly IncidentStatement[],
  overAt: OverAt,
  comparedMax = COMPARED_MAX,
): IncidentStatement[][] {
  const sorted = statements.toSorted(byOnset)
  const parents = sorted.map((_, index) => index)
  const isSameOutage = compareWithin(comparedMax)
  const rootOf = (index: number): number => {
    while (parents[index] !== index) index = parents[index] = parents[parents[index]!]!
    return index
  }
  // Those that may still meet a later one: sorted by onset, an outage that was over long before can't.
  let open: number[] = []
  for (const [index, statement] of sorted.entries()) {
    open = open.filter((other) => endOf(sorted[other]!, overAt) >= statement.startedAtMs)
    for (const other of open)
      if (rootOf(other) !== rootOf(index) && isSameOutage(sorted[other]!, statement))
        parents[rootOf(index)] = rootOf(other)
    open.push(index)
  }
  const join = (a: number, b: number | undefined) => {
    if (b !== undefined && sorted[a]!.serviceId === sorted[b]!.serviceId) parents[rootOf(a)] = rootOf(b)
  }
  const byKey = new Map(sorted.map((statement, index) => [statementKey(statement), index]))
  const firstOf = new Map<string, number>()
  for (const [index, { origin, serviceId, incidentId, mergedInto }] of sorted.entries()) {
    // An operator of one watch took another's incident over: the same id is the same outage, whatever its times are now.
    const first = firstOf.get(`${serviceId} ${incidentId}`)
    if (first === undefined) firstOf.set(`${serviceId} ${incidentId}`, index)
    join(index, first)
    if (mergedInto !== null) join(index, byKey.get(statementKey({ origin, incidentId: mergedInto })))
  }
  const byRoot = Map.groupBy(sorted.keys(), rootOf)
  return [...byRoot.values()].map((indexes) => indexes.map((index) => sorted[index]!))
}

/** The earliest first; the key decides between two of one instant. */
export function byOnset(a: IncidentStatement, b: IncidentStatement): number {
  if (a.startedAtMs !== b.startedAtMs) return a.startedAtMs - b.startedAtMs
  return statementKey(a) < statementKey(b) ? -1 : 1
}

const endOf = (statement: IncidentStatement, overAt: OverAt): number =>
  (overAt(statement) ?? Number.POSITIVE_INFINITY) + SAME_TIME_MS

/** Tells, apart from time, whether two tell of one outage, up to so many names. One watch tells its own apart by itself. */
function compareWithin(comparedMax: number): (a: IncidentStatement, b: IncidentStatement) => boolean {
  const sets = new Map<readonly string[], ReadonlySet<string>>()
  const setOf = (ids: readonly string[]): ReadonlySet<string> => {
    let set = sets.get(ids)
    if (!set) sets.set(ids, (set = new Set(ids)))
    return set
  }
  let left = comparedMax
  const meet = (a: readonly string[], b: readonly string[]): boolean => {
    if (a.length === 0 || b.length === 0) return true
    const [few, many] = a.length <= b.length ? [a, b] : [b, a]
    left -= few.length
    return left >= 0 && few.some((id) => setOf(many).has(id))
  }
  return (a, b) =>
    a.serviceId === b.serviceId &&
    a.origin !== b.origin &&
    meet(a.regions, b.regions) &&
    meet(a.featureIds, b.featureIds)
}
