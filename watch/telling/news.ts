/**
 * What of an incident that several watches tell of is news to people who were told some of it before. Pure.
 *
 * Each state of the one incident is told once, whoever saw it first; what else is said, by the one watch that tells it here.
 */
import { OUTAGE_STATES, type OutageState } from '../../engines/detect/types.ts'
import {
  isBeginning,
  wordsInOrder,
  wordsOf,
  type IncidentView,
  type UpdateView,
  type Word,
} from '../incidents/index.ts'

const rank = (state: OutageState): number => OUTAGE_STATES.indexOf(state)

/**
 * The updates to be told now, the oldest first.
 *
 * @param told ids of updates that were told, in the order of telling
 * @param mayTell one that was not told and may not be keeps nothing else from being news
 */
export function newsOf(
  incident: IncidentView,
  told: readonly string[],
  mayTell: (update: UpdateView) => boolean = () => true,
): UpdateView[] {
  const { confirmedAtMs } = incident
  if (confirmedAtMs === null) return []
  const known = new Set(told)
  const words = wordsInOrder(incident).filter(
    (word) => isTellable(incident, word) && (known.has(word.update.id) || mayTell(word.update)),
  )
  const byId = new Map(words.map(({ update }) => [update.id, update]))
  const lastTold = byId.get(told.findLast((id) => byId.has(id)) ?? '') ?? null
  const where: Where = {
    incident,
    narrator: narratorOf(incident),
    endId: words.findLast(({ update }) => update.state === 'resolved')?.update.id ?? null,
    state: lastTold?.state ?? null,
    atMs: lastTold?.atMs ?? Number.NEGATIVE_INFINITY,
  }
  const news: UpdateView[] = []
  for (const word of words) {
    const { update } = word
    if (known.has(update.id) || update.atMs < confirmedAtMs || !isNews(word, where)) continue
    news.push(update)
    where.state = update.state
    where.atMs = update.atMs
  }
  return news
}

interface Where {
  readonly incident: IncidentView
  /** Whose words within a state are told. */
  readonly narrator: string | null
  /** The last word that it is over. */
  readonly endId: string | null
  /** What people were told last; null: nothing yet. */
  state: OutageState | null
  atMs: number
}

/** A person's words always are; a watch's once it has confirmed what it saw. */
function isTellable({ witnesses = [] }: IncidentView, { update }: Word): boolean {
  if (update.state === 'suspected') return false
  if (update.author !== 'watch' || update.of === undefined) return true
  return witnesses.some(
    ({ watch, incidentId, isConfirmed }) => isConfirmed && wordsOf(watch, incidentId) === update.of,
  )
}

function isNews(word: Word, { incident, narrator, endId, state, atMs }: Where): boolean {
  const { update, before } = word
  if (update.author !== 'watch') return true
  // It says more of what was told.
  if (update.state === state) return before === update.state && update.of === narrator
  // One of them alone does not end it.
  if (update.state === 'resolved') return incident.state === 'resolved' && update.id === endId
  // What was said to be over stays so until somebody sees it begin: watches that were apart end it at different times.
  if (state === 'resolved')
    return incident.state !== 'resolved' && isBeginning(word) && (before !== null || update.atMs > atMs)
  if (state === null || rank(update.state) > rank(state)) return rank(update.state) <= rank(incident.state)
  return update.state === incident.state && before !== null && rank(before) > rank(update.state)
}

/** This watch where it saw it itself, else the first that did. */
function narratorOf({ witnesses = [] }: IncidentView): string | null {
  const saw = witnesses.filter(({ isAdopted }) => !isAdopted)
  const teller = saw.find(({ isSelf }) => isSelf) ?? saw[0]
  return teller ? wordsOf(teller.watch, teller.incidentId) : null
}
