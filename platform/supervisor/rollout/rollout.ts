/**
 * One release of code, from its first process to its last: trial beside the old code, judged each second, then all roles
 * one after the other, or back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../../kit/log.ts'
import type { FrontDoor } from '../front-door.ts'
import type { RoleName } from '../protocol.ts'
import type { Roles } from '../roles.ts'
import { startArm, type TrialArm } from './arm.ts'
import type { GoldenStore } from './golden-store.ts'
import { judgeTrial, type TrialEnd, type TrialOptions } from './trial.ts'
import { createSplit } from './split.ts'
import { whenAborted } from './turns.ts'

export interface RolloutOptions {
  readonly roles: Roles
  readonly door: FrontDoor
  readonly golden: GoldenStore
  readonly log: Log
  /** The new code. */
  readonly program: string
  /** Of the release: another one deals clients to its canary anew. */
  readonly salt: string
  readonly isSharedAddress: (address: string) => boolean
  /** Switched off for a drill: the release goes to everybody at once, unseen. */
  readonly isJudged: boolean
  readonly onPhase: TrialOptions['onPhase']
}

/** It went back, and the old code runs everywhere. */
export class WentBackError extends Error {}

/** Those who serve people first; each is the whole machine's of its kind. */
const FOLLOWERS: readonly RoleName[] = ['ingest', 'worker']

/**
 * Rolls it out.
 *
 * @param signal an operator wants it back, or everything is being stopped
 * @throws {WentBackError} saying why
 */
export async function rollOut(options: RolloutOptions, signal: AbortSignal): Promise<void> {
  const { roles, door, onPhase } = options
  if (options.isJudged) {
    const split = createSplit({ salt: options.salt, isShared: options.isSharedAddress })
    onPhase('starting', 0, 'The new code and, for comparison, the old one are being started.')
    const starting = [
      startArm('canary', options.program, { roles, door }),
      startArm('baseline', roles.programOf('api'), { roles, door }),
    ] as const
    const [canary, baseline] = await Promise.all(starting)
    door.splitBy(({ remoteAddress }) => split.armOf(remoteAddress))
    try {
      const end = await tryOut(options, { canary, baseline, setShare: split.setShare }, signal)
      if (!end.isGood) throw new WentBackError(end.reason)
      await Promise.all([baseline.retire(), promoteApi(options, signal)])
    } catch (error) {
      onPhase('going-back', 0, (error as Error).message)
      door.splitBy(null)
      await Promise.all([canary.end(), baseline.retire()])
      throw error
    }
    door.splitBy(null)
    await canary.retire()
  } else await promoteApi(options, signal)
  await follow(options, signal)
}

async function tryOut(
  options: RolloutOptions,
  arms: { readonly canary: TrialArm; readonly baseline: TrialArm; setShare(share: number): void },
  signal: AbortSignal,
): Promise<TrialEnd> {
  try {
    await Promise.race([Promise.all([arms.canary.ready, arms.baseline.ready]), whenAborted(signal)])
  } catch (error) {
    throw new WentBackError((error as Error).message, { cause: error })
  }
  return judgeTrial({ ...options, ...arms }, signal)
}

async function promoteApi({ roles, program, onPhase }: RolloutOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  onPhase('promoting', 1, 'The api gets the new code for good.')
  const before = roles.programOf('api')
  roles.runFrom('api', program)
  try {
    await roles.byName.api.replace()
  } catch (error) {
    roles.runFrom('api', before)
    throw new WentBackError(`The new api did not take over: ${(error as Error).message}`, { cause: error })
  }
}

/** The other roles; when one does not start on the new code, all go back to the old one. */
async function follow({ roles, program, onPhase, log }: RolloutOptions, signal: AbortSignal): Promise<void> {
  const before = new Map(FOLLOWERS.map((role) => [role, roles.programOf(role)]))
  for (const role of FOLLOWERS) {
    onPhase('promoting', 1, `${role} gets the new code.`)
    roles.runFrom(role, program)
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => {})
    const stopHearing = roles.onFailedStart((name) => {
      if (name !== role) return
      // What is started next runs the old code again.
      roles.runFrom(role, before.get(role)!)
      failed.reject(new Error(`${role} does not start on the new code.`))
    })
    try {
      signal.throwIfAborted()
      await Promise.race([roles.byName[role].replace(), failed.promise])
    } catch (error) {
      log.error({ err: error, role }, 'release.role-failed')
      onPhase('going-back', 1, (error as Error).message)
      await returnTo(roles, before)
      throw new WentBackError((error as Error).message, { cause: error })
    } finally {
      stopHearing()
    }
  }
}

/** Everything that has the new code already gets the old one. */
async function returnTo(roles: Roles, before: ReadonlyMap<RoleName, string>): Promise<void> {
  const old = [...before.values()][0]!
  roles.runFrom('api', old)
  for (const [role, program] of before) roles.runFrom(role, program)
  await untilReady(roles)
  for (const role of ['api', ...FOLLOWERS] as const) await roles.byName[role].replace()
}

const READY_TIMEOUT_MS = 60_000
const POLL_INTERVAL_MS = 50

async function untilReady(roles: Roles): Promise<void> {
  const endsAtMs = performance.now() + READY_TIMEOUT_MS
  const isReady = () => roles.all.every(({ state, isBeingReplaced }) => state === 'ready' && !isBeingReplaced)
  while (!isReady() && performance.now() < endsAtMs) await sleep(POLL_INTERVAL_MS)
}
