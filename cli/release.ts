/** `upbeat release DIR|REF`: new code for this machine, tried out beside the old; `release end` and `release back` undo it. */
import { join } from 'node:path'
import { RoleName } from '../contract/operations.ts'
import { type CodeReleaseState } from '../contract/releases.ts'
import { prepareSlot, UnfitReleaseError } from '../platform/slots/index.ts'
import { askDesk } from '../platform/supervisor/control.ts'
import { UsageError, type Arguments, type Command } from './arguments.ts'
import { followOrder } from './follow-order.ts'
import { releaseRole } from './orders.ts'
import { releaseDocument } from './release-document.ts'
import { settingsOf } from './settings.ts'

const ROOT = join(import.meta.dirname, '..')
const PHASES: Readonly<Record<CodeReleaseState['phase'], string>> = {
  waiting: 'waiting its turn',
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
  if (source === 'document') return releaseDocument(given, more)
  if (source === undefined || more.length > 0)
    throw new UsageError(
      `Which release? A directory, a git reference, end, back, document, or a role: ${RoleName.options.join(', ')}`,
    )
  if (RoleName.safeParse(source).success) return releaseRole(given)
  if (source === 'end') return order(given, 'end-release')
  if (source === 'back') return order(given, 'return-code')
  const { dataDir } = settingsOf(given)
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
  return followOrder(given, { type: 'release-code', hash, label, isDespiteProblems }, lookAtRelease)
}

function order(given: Arguments, type: 'end-release' | 'return-code'): Promise<number> {
  if (given.reason === undefined) throw new UsageError('Why? --reason "…"')
  return followOrder(given, { type, reason: given.reason }, lookAtRelease)
}

async function lookAtRelease(dataDir: string): Promise<string | null> {
  const state = await askDesk(dataDir, { command: 'release-state' })
  return state && describe(state)
}

function describe({ phase, share, detail }: CodeReleaseState): string {
  const where = phase === 'canary' ? `${share * 100} % ${PHASES.canary}` : PHASES[phase]
  return `${where}: ${detail}`
}
