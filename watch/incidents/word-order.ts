/** The words on one incident, of one watch or several, in the order in which they were said. Pure. */
import type { OutageState } from '../../engines/detect/types.ts'
import type { IncidentView, UpdateView } from './views.ts'

export interface Word {
  readonly update: UpdateView
  /** What the same watch had said of the same incident before; null: it is its first word. */
  readonly before: OutageState | null
}

/** The oldest first. */
export function wordsInOrder({ updates }: Pick<IncidentView, 'updates'>): Word[] {
  const last = new Map<string, OutageState>()
  return updates.toReversed().map((update) => {
    const key = update.of ?? ''
    const before = last.get(key) ?? null
    last.set(key, update.state)
    return { update, before }
  })
}

/** Whether with this word a watch began to see it (again). */
export const isBeginning = ({ update: { state }, before }: Word): boolean =>
  !isNoOutage(state) && (before === null || isNoOutage(before))

const isNoOutage = (state: OutageState): boolean => state === 'suspected' || state === 'resolved'

/** The id that this watch gives it, then those of the others: by each of them it was told of, or paged for. */
export const idsOf = ({ id, witnesses = [] }: Pick<IncidentView, 'id' | 'witnesses'>): string[] => [
  ...new Set([id, ...witnesses.map(({ incidentId }) => incidentId)]),
]

/** How a witness's words are marked as its own (`UpdateView.of`). */
export const wordsOf = (watch: string, incidentId: string): string => `${watch} ${incidentId}`
