/** What processes of the product count of themselves, second by second, as in the trial of a release: the judge's series. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sample } from '../../engines/steward/rollout/index.ts'
import { createLog } from '../../kit/log.ts'
import { environmentWith } from '../../platform/app/config.ts'
import { findPostgresAddress } from '../../platform/infra/postgres/address.ts'
import { createRoleProcess, type RoleProcess } from '../../platform/supervisor/role-process.ts'
import { startArm } from '../../platform/supervisor/rollout/arm.ts'
import { COLD_MS, toSample, withoutLatencies } from '../../platform/supervisor/rollout/trial.ts'
import type { ApiBeside } from '../../platform/supervisor/roles.ts'
import { PATHS } from '../../tests/rig/releases/stage.ts'
import { startVisitors } from '../../tests/rig/releases/visitors.ts'

/** One process, from the moment at which all of its generation took requests; null: it said nothing in that second. */
export type Recording = readonly (Sample | null)[]

export interface RecordingOrder {
  /** Of the product that runs there, whose database and files they use. */
  readonly dataDir: string
  readonly processes: number
  readonly seconds: number
  /** Of each process. */
  readonly perS: number
}

const PROGRAM = join(import.meta.dirname, '..', '..', 'platform', 'main.ts')
const NOBODY_ASKED = { asked: 0, broken: 0, timeouts: 0, different: 0 }
const NO_DOOR = { addTaker() {}, removeTaker() {} }

/** Starts so many api processes at one moment, has each visited alike, and ends them. */
export async function recordGeneration(order: RecordingOrder): Promise<readonly Recording[]> {
  const { dataDir, processes, seconds, perS } = order
  const databaseUrl = await findPostgresAddress(join(dataDir, 'postgres'))
  if (databaseUrl === null) throw new Error(`No database runs in ${dataDir}.`)
  const env = environmentWith({ DATA_DIR: dataDir, DATABASE_URL: databaseUrl, LOG_LEVEL: 'error' })
  const roles = { makeApiBeside: (beside: ApiBeside) => startBeside(beside, env) }
  await using stack = new AsyncDisposableStack()
  const arms = await Promise.all(
    Array.from({ length: processes }, async () => {
      const arm = await startArm('baseline', PROGRAM, { roles, door: NO_DOOR })
      stack.defer(() => arm.end())
      return arm
    }),
  )
  await Promise.all(arms.map(({ ready }) => ready))
  for (const { port } of arms)
    stack.use(startVisitors({ url: `http://127.0.0.1:${port}`, paths: PATHS, perS }))
  for (const arm of arms) arm.takeCounts()
  const recordings: (Sample | null)[][] = arms.map(() => [])
  const beganMs = performance.now()
  for (let second = 1; second <= seconds; second++) {
    await sleep(beganMs + second * 1_000 - performance.now())
    const isCold = performance.now() - beganMs < COLD_MS
    for (const [index, arm] of arms.entries()) {
      const sample = toSample(arm.takeCounts(), NOBODY_ASKED, arm.isCrashed)
      recordings[index]!.push(isCold ? withoutLatencies(sample) : sample)
    }
  }
  return recordings
}

function startBeside(beside: ApiBeside, env: NodeJS.ProcessEnv): RoleProcess {
  const { program, onReady, onGone, onMessage } = beside
  return createRoleProcess({
    role: 'api',
    ...{ program, env, onReady, onGone, onMessage },
    isRestarted: false,
    log: createLog({ level: 'error', base: { role: 'bench' } }),
    onOutput: (line) => console.error(line),
    onReturned: (connection) => void connection.destroy(),
    onFailedStart: onGone,
  })
}
