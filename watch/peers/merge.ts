/**
 * How what two watches know becomes one, as docs/decisions/0025 words it. Pure.
 *
 * `mergeKnown` joins two sets of statements: commutative, associative and idempotent, and it drops none. Everything that is
 * shown is a function of such a set (`incidentsOf`), so it is the same in whatever order the statements came.
 */
import { matchStatements } from './matching.ts'
import { closingKey, statementKey, textOf, type Closing, type IncidentStatement } from './statement.ts'
import { joinWords, type End, type JoinedIncident } from './joined-incident.ts'

/** What a watch knows: its own statements and those it was told. By key. */
export interface Known {
  readonly statements: ReadonlyMap<string, IncidentStatement>
  readonly closings: ReadonlyMap<string, Closing>
}

export const NOTHING_KNOWN: Known = { statements: new Map(), closings: new Map() }

/** A set of what is given; of two about the same, one stands. */
export const knownOf = (
  statements: Iterable<IncidentStatement>,
  closings: Iterable<Closing> = [],
): Known => ({
  statements: joinAll([statements], statementKey, laterStatement),
  closings: joinAll([closings], closingKey, laterClosing),
})

/** What is known once both are known. */
export const mergeKnown = (a: Known, b: Known): Known => ({
  statements: joinAll([a.statements.values(), b.statements.values()], statementKey, laterStatement),
  closings: joinAll([a.closings.values(), b.closings.values()], closingKey, laterClosing),
})

/** In the order of the keys, so that equal sets are equal maps. */
function joinAll<T>(
  sources: readonly Iterable<T>[],
  keyOf: (value: T) => string,
  later: (a: T, b: T) => T,
): Map<string, T> {
  const joined = new Map<string, T>()
  for (const source of sources)
    for (const value of source) {
      const key = keyOf(value)
      const known = joined.get(key)
      joined.set(key, known === undefined ? value : later(known, value))
    }
  return new Map([...joined].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** One watch, one incident: the higher version stands, of equal ones the greater text. */
export function laterStatement(a: IncidentStatement, b: IncidentStatement): IncidentStatement {
  if (a.version !== b.version) return a.version > b.version ? a : b
  // By bytes, as SQLite compares.
  return a === b || Buffer.compare(Buffer.from(textOf(a)), Buffer.from(textOf(b))) >= 0 ? a : b
}

/** The one that answers the later statement; of two that answer the same, the earlier end. */
function laterClosing(a: Closing, b: Closing): Closing {
  if (a.ofVersion !== b.ofVersion) return a.ofVersion > b.ofVersion ? a : b
  return a.atMs <= b.atMs ? a : b
}

/**
 * The incidents that a set of statements tells of: each statement is a witness of exactly one of them, unless an operator
 * merged what it tells of into another that is known.
 */
export function incidentsOf(known: Known): JoinedIncident[] {
  const ends = new Map([...known.statements].map(([key, statement]) => [key, endOf(known, statement)]))
  const end = (statement: IncidentStatement) => ends.get(statementKey(statement)) ?? null
  const isTold = (statement: IncidentStatement) => isToldByAnother(known, statement)
  return matchStatements([...known.statements.values()], (statement) => end(statement)?.atMs ?? null)
    .map((group) => group.filter((statement) => !isTold(statement)))
    .filter((witnesses) => witnesses.length > 0)
    .map((witnesses) => joinWords(witnesses, end))
}

/** Whether another incident of the same watch, which is known, tells of it, too: its operator merged the two. */
function isToldByAnother({ statements }: Known, statement: IncidentStatement): boolean {
  const passed = new Set<string>()
  let last = statement
  while (last.mergedInto !== null && !passed.has(last.incidentId)) {
    passed.add(last.incidentId)
    const target = statements.get(statementKey({ origin: last.origin, incidentId: last.mergedInto }))
    if (target?.serviceId !== statement.serviceId) break
    last = target
  }
  // Merged into what nobody here knows, or into itself by a detour: it stands for itself.
  return last !== statement && !passed.has(last.incidentId)
}

/** When it was over, by its own watch or, after that went silent, by another; null: it isn't. */
export function endOf({ closings }: Known, statement: IncidentStatement): End | null {
  if (statement.resolvedAtMs !== null) return { atMs: statement.resolvedAtMs, by: null }
  let first: End | null = null
  for (const { origin, incidentId, by, ofVersion, atMs } of closings.values()) {
    if (origin !== statement.origin || incidentId !== statement.incidentId || ofVersion < statement.version)
      continue
    if (first === null || atMs < first.atMs) first = { atMs, by }
  }
  return first
}
