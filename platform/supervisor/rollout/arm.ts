/** One side of a trial: an api process, its private port for golden requests, and what it counted in each second. */
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { RoleReport } from '../../app/vitals.ts'
import type { TrialCounts } from '../../app/trial-counts.ts'
import type { FrontDoor } from '../front-door.ts'
import type { FromRole } from '../protocol.ts'
import type { RoleProcess } from '../role-process.ts'
import type { Roles } from '../roles.ts'
import type { Arm } from './split.ts'

export interface TrialArm {
  readonly name: Arm
  /** Where it alone answers; on this machine only. */
  readonly port: number
  readonly pid: number | null
  /** Settles when it takes requests and holds nothing back. @throws when it ends before, or takes too long */
  readonly ready: Promise<void>
  /** It has ended without being asked to. */
  readonly isCrashed: boolean
  /** What it counted since the last call; null: it has said nothing since. */
  takeCounts(): ArmCounts | null
  /** Takes it off the door, lets those who are with it finish, and ends it. */
  retire(): Promise<void>
  /** Ends it: idle connections at once, requests under way when they are answered, everything after ten seconds. */
  end(): Promise<void>
}

export interface ArmCounts extends TrialCounts {
  readonly rssBytes: number
}

const READY_TIMEOUT_MS = 60_000
/** A process that has begun may hold things back for a while, as after a start of everything. */
const COMPLETE_GRACE_MS = 10_000

/** Starts the process. It gets connections of the door as soon as it is ready, as far as the door's split gives it any. */
export async function startArm(
  name: 'baseline' | 'canary',
  program: string,
  {
    roles,
    door,
    settings = {},
  }: {
    readonly roles: Pick<Roles, 'makeApiBeside'>
    readonly door: Pick<FrontDoor, 'addTaker' | 'removeTaker'>
    readonly settings?: Readonly<Record<string, string>>
  },
): Promise<TrialArm> {
  const ready = Promise.withResolvers<void>()
  ready.promise.catch(() => {})
  const timeout = setTimeout(
    () => ready.reject(new Error(`The ${name} did not get ready.`)),
    READY_TIMEOUT_MS,
  )
  let [isEnding, isCrashed] = [false, false]
  const settled = ready.promise.finally(() => clearTimeout(timeout))
  // Whoever gives up on the other side does not wait for this one: that it is ended then must not end the supervisor.
  settled.catch(() => {})
  const counts = countBetweenReports()
  const process: RoleProcess = roles.makeApiBeside({
    program,
    settings,
    onReady: () => void setTimeout(ready.resolve, COMPLETE_GRACE_MS).unref(),
    onGone() {
      isCrashed ||= !isEnding
      ready.reject(new Error(`The ${name} ended as it started.`))
    },
    onMessage(message: FromRole) {
      if (message.type === 'complete' && message.isComplete) ready.resolve()
      if (message.type === 'vitals') counts.hear(message.report)
    },
  })
  const privateDoor = createServer({ pauseOnConnect: true, noDelay: true }, (connection) => {
    connection.on('error', () => {})
    if (!process.take(connection)) connection.destroy()
  })
  privateDoor.listen(0, '127.0.0.1')
  await once(privateDoor, 'listening')
  process.start()
  void ready.promise.then(
    () => door.addTaker(process, name),
    () => {},
  )

  async function stop(isPatient: boolean): Promise<void> {
    isEnding = true
    clearTimeout(timeout)
    ready.reject(new Error('It is being ended.'))
    door.removeTaker(process)
    privateDoor.close()
    if (isPatient) process.send({ type: 'retire' })
    await process.stop()
  }
  return {
    name,
    port: (privateDoor.address() as AddressInfo).port,
    get pid() {
      return process.pid
    },
    ready: settled,
    get isCrashed() {
      return isCrashed
    },
    takeCounts: counts.take,
    retire: () => stop(true),
    end: () => stop(false),
  }
}

/** From sums since the process began to what came in between. */
function countBetweenReports() {
  let taken: TrialCounts | null = null
  let latest: RoleReport | null = null
  return {
    hear(report: RoleReport): void {
      latest = report
      taken ??= report.trial
    },
    take(): ArmCounts | null {
      const now = latest?.trial
      if (!latest || !now || !taken || now === taken) return null
      const before = taken
      taken = now
      const since = (key: Exclude<keyof TrialCounts, 'latencyBuckets'>) => now[key] - before[key]
      return {
        requests: since('requests'),
        errors: since('errors'),
        timeouts: since('timeouts'),
        shed: since('shed'),
        emptyFeeds: since('emptyFeeds'),
        playbackStarts: since('playbackStarts'),
        playbackStartFailures: since('playbackStartFailures'),
        latencyBuckets: now.latencyBuckets.map((count, index) => count - (before.latencyBuckets[index] ?? 0)),
        rssBytes: latest.rssBytes,
      }
    },
  }
}
