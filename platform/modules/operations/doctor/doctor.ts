/** The doctor: looks at what an instance needs of its machine and its surroundings, and says what to do where it is amiss. */
import type { Log } from '../../../../kit/log.ts'
import type { Config } from '../../../app/config.ts'
import { checkBackups } from './checks/backups.ts'
import { checkClock } from './checks/clock.ts'
import { checkDatabase } from './checks/database.ts'
import { checkDisks } from './checks/disks.ts'
import { checkEncoders } from './checks/encoders.ts'
import { checkFiles } from './checks/files.ts'
import { checkPublicAddress } from './checks/public-address.ts'

export interface Finding {
  /** What was looked at. */
  readonly about: string
  /** `unknown`: it could not be found out; `advice`: it works, and could be better. */
  readonly state: 'fine' | 'advice' | 'problem' | 'unknown'
  readonly what: string
  /** What to do; null: nothing. */
  readonly remedy: string | null
}

export interface DoctorInput {
  readonly config: Config
  readonly log: Log
  /** Null: it is not known where the database is, for it is the embedded one and does not run. */
  readonly databaseUrl: string | null
  /** Where people reach the instance; null: no address to look at. */
  readonly publicUrl: string | null
  readonly now: () => Date
  readonly signal: AbortSignal
}

export type Check = (input: DoctorInput) => Promise<Finding[]>

const CHECKS: readonly { readonly about: string; readonly run: Check; readonly timeoutMs: number }[] = [
  { about: 'Disk', run: checkDisks, timeoutMs: 15_000 },
  { about: 'Encoders', run: checkEncoders, timeoutMs: 60_000 },
  { about: 'Database', run: checkDatabase, timeoutMs: 15_000 },
  { about: 'Files', run: checkFiles, timeoutMs: 30_000 },
  { about: 'Clock', run: checkClock, timeoutMs: 15_000 },
  { about: 'Backups', run: checkBackups, timeoutMs: 10_000 },
  { about: 'Public address', run: checkPublicAddress, timeoutMs: 180_000 },
]

/** Makes every check, one after the other, each bounded in time; gives the findings of each as they come. */
export async function* diagnose(input: DoctorInput): AsyncGenerator<Finding> {
  for (const { about, run, timeoutMs } of CHECKS) {
    input.signal.throwIfAborted()
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([input.signal, timeout])
    try {
      yield* await Promise.race([run({ ...input, signal }), whenAborted(signal)])
    } catch (error) {
      input.signal.throwIfAborted()
      yield {
        about,
        state: 'unknown',
        what: timeout.aborted
          ? `This could not be found out within ${timeoutMs / 1_000} s.`
          : `This could not be found out: ${(error as Error).message}`,
        remedy: timeout.aborted
          ? 'Something on the way does not answer: see the other findings first.'
          : null,
      }
    }
  }
}

const whenAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
