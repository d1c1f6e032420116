/** What each role is told of the others. */
import { isDeepStrictEqual } from 'node:util'
import type { RoleName } from '../../../contract/operations.ts'
import type { FromSupervisor } from '../protocol.ts'
import type { RoleProcess } from '../role-process.ts'
import type { Board } from './board.ts'

/** How often the roles are looked at, to tell each of the others. */
const LOOK_MS = 250
/** A process that has just begun says nothing for a while, and so does one on a machine that has too much to do. */
const SILENCE_MAX_MS = 15_000
/** With this between two looks we stood still ourselves: what was said meanwhile lies there unread. */
const STALL_MS = 1_000

export interface Peers extends Disposable {
  /** As it is now. */
  message(): FromSupervisor
}

export interface PeersOptions {
  readonly roles: () => readonly Pick<RoleProcess, 'role' | 'state' | 'restartCount' | 'isBeingReplaced'>[]
  readonly board: Pick<Board, 'silentMs' | 'fresh'>
  readonly tell: (message: FromSupervisor) => void
  /** Whether silence counts only while we were awake to hear. */
  readonly hasDoubt: boolean
  /** @default performance.now */
  readonly monotonicMs?: () => number
}

/** Tells when a role begins or ceases to take work, and what the api's load asks of the others. */
export function watchPeers(options: PeersOptions): Peers {
  const { roles, board, tell, hasDoubt, monotonicMs = () => performance.now() } = options
  let lookedAtMs = monotonicMs()
  let awakeSinceMs = lookedAtMs
  const look = (): FromSupervisor => {
    const nowMs = monotonicMs()
    if (hasDoubt && nowMs - lookedAtMs >= STALL_MS) awakeSinceMs = nowMs
    lookedAtMs = nowMs
    const areUp = { ingest: null, api: null, worker: null } as Record<RoleName, boolean | null>
    for (const role of roles()) {
      const silentMs = board.silentMs(role.role)
      areUp[role.role] = isUp(role, silentMs && Math.min(silentMs, nowMs - awakeSinceMs))
    }
    return { type: 'peers', areUp, apiPressure: board.fresh('api')?.pressureLevel ?? 0 }
  }
  let told = look()
  const timer = setInterval(() => {
    const now = look()
    if (isDeepStrictEqual(now, told)) return
    told = now
    tell(now)
  }, LOOK_MS)
  timer.unref()
  return {
    message: look,
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

/** Null while it can't be said: at its first start, or while a new process takes over. */
function isUp(
  role: Pick<RoleProcess, 'state' | 'restartCount' | 'isBeingReplaced'>,
  silentMs: number | null,
): boolean | null {
  if (role.isBeingReplaced) return null
  if (role.state === 'ready') return silentMs === null || silentMs < SILENCE_MAX_MS
  const isBeginning = role.restartCount === 0 && (role.state === 'stopped' || role.state === 'starting')
  return isBeginning ? null : false
}
