/** The level in one line: which, for how long, and the first reasons why; what there is to it stands below it. */
import type { OperationsState } from '../contract/operations.ts'
import { ageInWords } from './times.ts'

const LEVELS = [
  'everything',
  'nothing ahead of time',
  'comments and numbers from memory',
  'lists for groups',
  'one list, actions kept',
  'cached playback only',
] as const
const CAUSES_MAX = 2

/** "Level 4 (one list, actions kept) for 3 min: database is away and 2 more reasons". */
export function levelInWords(
  { service, causes, restoration }: Pick<OperationsState, 'service' | 'causes' | 'restoration'>,
  now: Date,
): string {
  if (!service) return 'No process that serves people says anything: the level is unknown.'
  const line = `Level ${service.level} (${LEVELS[service.level] ?? 'unknown'}) for ${ageInWords(service.since, now)}`
  const why = reasonsOf(causes, restoration?.steps ?? [])
  return why ? `${line}: ${why}` : line
}

/** Steps of the way back are listed by themselves, and of a process in trouble its worst figure is enough. */
function reasonsOf(
  causes: readonly string[],
  steps: readonly { step: string; state: string }[],
): string | null {
  const told = causes
    .filter((cause) => !steps.some(({ step }) => cause.startsWith(`${step}: `)))
    .map((cause) => cause.split('; ')[0]!)
  const closed = steps.filter(({ state }) => state !== 'open').length
  if (told.length === 0)
    return closed > 0 ? `coming back, ${closed} ${closed === 1 ? 'step is' : 'steps are'} not open yet` : null
  const more = told.length - CAUSES_MAX
  return told.slice(0, CAUSES_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
