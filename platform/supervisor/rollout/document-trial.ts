/** A document on trial: one api process that has it, beside one begun at the same moment that has not. */
import type { Log } from '../../../kit/log.ts'
import type { FrontDoor } from '../front-door.ts'
import type { Roles } from '../roles.ts'
import { startArm } from './arm.ts'
import type { DocumentTrial } from './documents.ts'
import type { GoldenStore } from './golden-store.ts'
import { createSplit } from './split.ts'
import { judgeTrial } from './trial.ts'

interface TrialMeans {
  readonly roles: Roles
  readonly door: FrontDoor
  readonly golden: GoldenStore
  readonly isSharedAddress: (address: string) => boolean
  readonly log: Log
}

/** @returns why it went back; null: it is as good as what it replaces. @throws when it was cut short */
export async function tryOutDocument(
  { roles, door, golden, isSharedAddress, log }: TrialMeans,
  { kind, hash, signal, onShare }: DocumentTrial,
): Promise<string | null> {
  const program = roles.programOf('api')
  onShare(0, 'A process with it and, for comparison, one without are being started.')
  const split = createSplit({ salt: hash, isShared: isSharedAddress })
  const [canary, baseline] = await Promise.all([
    startArm('canary', program, { roles, door, settings: { DOCUMENT_CANDIDATE: `${kind}:${hash}` } }),
    startArm('baseline', program, { roles, door }),
  ])
  try {
    const dead = await canary.ready.then(
      () => null,
      (error: unknown) => (error as Error).message,
    )
    if (signal.aborted) throw signal.reason
    if (dead !== null) return `The process that was to try it out: ${dead}`
    await baseline.ready
    door.splitBy(({ remoteAddress }) => split.armOf(remoteAddress))
    const end = await judgeTrial(
      {
        ...{ canary, baseline, golden, setShare: split.setShare },
        onPhase: (_phase, share, detail, evidence) => onShare(share, detail, evidence),
      },
      signal,
    )
    if (signal.aborted) throw signal.reason
    return end.isGood ? null : end.reason
  } finally {
    door.splitBy(null)
    // Good or not: everybody else gets it from the disk.
    void Promise.all([canary.end(), baseline.retire()]).catch((error: unknown) =>
      log.error({ err: error }, 'document.arms-not-ended'),
    )
  }
}
