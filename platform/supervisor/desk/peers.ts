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

export interface Peers extends Disposable {
  /** As it is now. */
  message(): FromSupervisor
}

/** Tells when a role begins or ceases to take work, and what the api's load asks of the others. */
export function watchPeers(
  roles: () => readonly RoleProcess[],
  board: Pick<Board, 'silentMs' | 'fresh'>,
  tell: (message: FromSupervisor) => void,
): Peers {
  const look = (): FromSupervisor => {
    const areUp = { ingest: null, api: null, worker: null } as Record<RoleName, boolean | null>
    for (const role of roles()) areUp[role.role] = isUp(role, board.silentMs(role.role))
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
function isUp(role: RoleProcess, silentMs: number | null): boolean | null {
  if (role.isBeingReplaced) return null
  if (role.state === 'ready') return silentMs === null || silentMs < SILENCE_MAX_MS
  const isBeginning = role.restartCount === 0 && (role.state === 'stopped' || role.state === 'starting')
  return isBeginning ? null : false
}
