/** `upbeat release DIR|REF`: new code for this machine, tried out beside the old; `release end` sends it back. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { RoleName, type OperatorOrder } from '../contract/operations.ts'
import { type CodeReleaseState } from '../contract/releases.ts'
import { prepareSlot, UnfitReleaseError } from '../platform/slots/index.ts'
import { askDesk } from '../platform/supervisor/control.ts'
import { UsageError, type Arguments, type Command } from './arguments.ts'
import { MARKS, releaseRole, userName } from './orders.ts'
import { settingsOf } from './settings.ts'

const ROOT = join(import.meta.dirname, '..')
const LOOK_MS = 250
const PHASES: Readonly<Record<CodeReleaseState['phase'], string>> = {
  checking: 'checked',
  migrating: 'schema widened',
  starting: 'started beside the old code',
  shadow: 'golden requests only',
  canary: 'of new connections',
  promoting: 'for everybody',
  'going-back': 'going back',
  promoted: 'promoted',
  back: 'back',
}

/** 0: the new code runs everywhere; 1: the old one does; 2: wrong arguments. */
export const release: Command = async (given) => {
  const [source, ...more] = given.operands
  if (source === undefined || more.length > 0)
    throw new UsageError(
      `Which release? A directory, a git reference, end, or a role: ${RoleName.options.join(', ')}`,
    )
  if (RoleName.safeParse(source).success) return releaseRole(given)
  const { dataDir } = settingsOf(given)
  if (source === 'end') return end(given, dataDir)
  const slot = await prepareSlot({
    source,
    root: ROOT,
    dataDir,
    tell: (step) => console.error(`  … ${step}`),
  }).catch((error: unknown) => {
    if (!(error instanceof UnfitReleaseError)) throw error
    console.error(`✗ ${error.message}`)
    return null
  })
  if (!slot) return 1
  const { hash, label } = slot
  const { isDespiteProblems } = given
  return follow(given, dataDir, { type: 'release-code', hash, label, isDespiteProblems })
}

async function end(given: Arguments, dataDir: string): Promise<number> {
  if (given.reason === undefined) throw new UsageError('Why? --reason "…"')
  return follow(given, dataDir, { type: 'end-release', reason: given.reason })
}

/** Shows how it goes until it has ended. */
async function follow(given: Arguments, dataDir: string, order: OperatorOrder): Promise<number> {
  const startMs = performance.now()
  const { id, outcome } = await askDesk(dataDir, { command: 'order', order, user: userName() })
  let last = outcome
  let shown = ''
  while (last.state === 'begun') {
    await sleep(LOOK_MS)
    const [state, audit] = await Promise.all([
      askDesk(dataDir, { command: 'release-state' }).catch(() => null),
      askDesk(dataDir, { command: 'audit', limit: 50 }).catch(() => []),
    ])
    const words = state && describe(state)
    if (words && words !== shown && !given.isJson)
      console.error(`  ${((performance.now() - startMs) / 1_000).toFixed(0).padStart(4)} s  ${words}`)
    shown = words ?? shown
    last = audit.find((entry) => entry.id === id && entry.outcome.state !== 'begun')?.outcome ?? last
  }
  if (given.isJson) console.log(JSON.stringify({ id, outcome: last }))
  else console.log(`${MARKS[last.state]} ${last.detail}`)
  return last.state === 'done' ? 0 : 1
}

function describe({ phase, share, detail }: CodeReleaseState): string {
  const where = phase === 'canary' ? `${share * 100} % ${PHASES.canary}` : PHASES[phase]
  return `${where}: ${detail}`
}
