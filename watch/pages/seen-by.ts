/** Who saw an incident, and who said what of it, in words. */
import { type IncidentView, joinNames, type WitnessView } from '../incidents/index.ts'
import { formatDuration } from './format.ts'
import { html, type Html } from './html.ts'

/** Who saw it, in a line; null while this watch alone did. */
export function renderSeenBy(incident: IncidentView, context: { readonly now: Date }): Html | null {
  const seen = (incident.witnesses ?? []).filter(({ isAdopted }) => !isAdopted)
  if (seen.every(({ isSelf }) => isSelf)) return null
  const names = seen.map((witness) => (witness.isSelf ? 'this watch' : watchName(witness)))
  const only = seen.some(({ isSelf }) => isSelf) ? '' : ' only'
  const notes = disputeNotes(seen, context)
  return html`<p class="sub">
    <b>Seen by ${joinNames([...new Set(names)])}${only}.</b>${notes.map((note) => ` ${note}`)}
  </p>`
}

const watchName = ({ watch }: WitnessView): string => `watch ${watch}`

/** Who differs from the others, and whose word is old. */
function disputeNotes(seen: readonly WitnessView[], { now }: { readonly now: Date }): string[] {
  const isDisputed =
    seen.some(({ overAtMs }) => overAtMs !== null) && seen.some(({ overAtMs }) => overAtMs === null)
  const notes: string[] = []
  for (const witness of seen) {
    const name = witness.isSelf ? 'This watch' : `Watch ${witness.watch}`
    if (isDisputed)
      notes.push(witness.overAtMs === null ? `${name} still sees it.` : `${name} says that it is over.`)
    if (witness.isClosedByOthers) notes.push(`${name} went silent; its end was seen from elsewhere.`)
    else if (witness.isSilent && witness.overAtMs === null)
      notes.push(
        witness.heardAtMs === null
          ? `${name} is not heard.`
          : `${name} has been silent for ${formatDuration(now.getTime() - witness.heardAtMs)}.`,
      )
  }
  return notes
}

/** Who said an update of it. */
export function authorOf(update: IncidentView['updates'][number], { witnesses }: IncidentView): string {
  const isMachine = update.author === 'watch'
  if (update.watch !== undefined)
    return isMachine ? `by watch ${update.watch}` : `by an operator of watch ${update.watch}`
  if (!isMachine) return 'by an operator'
  return witnesses === undefined ? 'by the watch' : 'by this watch'
}
