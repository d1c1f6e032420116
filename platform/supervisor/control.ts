/** A local socket in the data folder by which programs on the same machine look at the supervisor and steer it. */
import { chmod, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import {
  OperatorOrder,
  type AuditEntry,
  type OperationsHistory,
  type OperationsState,
  type OrderAnswer,
} from '../../contract/operations.ts'
import { type CodeReleaseState, type ReleasesState } from '../../contract/releases.ts'
import { ROLE_NAMES, type RoleName } from './protocol.ts'
import type { RoleState } from './role-process.ts'

export const ControlRequest = z.discriminatedUnion('command', [
  z.object({ command: z.literal('status') }),
  z.object({ command: z.literal('hold'), role: z.enum(ROLE_NAMES) }),
  z.object({ command: z.literal('release'), role: z.enum(ROLE_NAMES) }),
])
export type ControlRequest = z.infer<typeof ControlRequest>

export const AUDIT_MAX = 500

/** What the operator's desk is asked by the command line. */
export const DeskRequest = z.discriminatedUnion('command', [
  z.object({ command: z.literal('state') }),
  z.object({ command: z.literal('history'), afterS: z.number() }),
  z.object({ command: z.literal('audit'), limit: z.int().min(1).max(AUDIT_MAX) }),
  z.object({ command: z.literal('metrics') }),
  z.object({ command: z.literal('release-state') }),
  z.object({ command: z.literal('releases') }),
  z.object({ command: z.literal('order'), order: OperatorOrder, user: z.string().min(1).max(64) }),
])
export type DeskRequest = z.infer<typeof DeskRequest>

/** What each is answered with. */
export interface DeskAnswers {
  readonly state: OperationsState
  readonly history: OperationsHistory
  readonly audit: AuditEntry[]
  readonly metrics: string
  readonly 'release-state': CodeReleaseState | null
  readonly releases: ReleasesState
  readonly order: OrderAnswer
}

export interface SupervisorStatus {
  readonly pid: number
  readonly port: number
  readonly isReady: boolean
  readonly waitingConnections: number
  readonly postgres: { readonly pid: number | null; readonly isAdopted: boolean } | null
  readonly roles: readonly {
    readonly role: RoleName
    readonly state: RoleState
    readonly pid: number | null
    readonly restartCount: number
  }[]
}

type Answer = { readonly ok: true; readonly answer: unknown } | { readonly ok: false; readonly error: string }

/** Nobody listens: no supervisor runs on the data folder, or its path is too long for a socket. */
export class NotRunningError extends Error {}

/** The supervisor runs, and has not answered in time: what was asked for may yet be done. */
class SilentSupervisorError extends Error {}

/** Unix socket paths end here; a data folder deep down has no control socket, and everything else works. */
const SOCKET_PATH_MAX_BYTES = 107
const REQUEST_MAX_BYTES = 4_096
const ANSWER_TIMEOUT_MS = 15_000
/** The desk answers well before. */
const DESK_TIMEOUT_MS = 900

const Request = z.union([ControlRequest, DeskRequest])

const socketPath = (dataDir: string) => join(dataDir, 'run', 'control.sock')

/** Listens; null when the data folder's path is too long for a socket. One JSON line in, one out, per connection. */
export async function openControl(
  dataDir: string,
  handle: (request: ControlRequest | DeskRequest) => Promise<unknown>,
): Promise<Disposable | null> {
  const path = socketPath(dataDir)
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES) return null
  // The folder's lock is ours, so a socket that lies here belongs to a dead process.
  await rm(path, { force: true })
  const server = createServer((connection) => {
    let text = ''
    connection.on('error', () => {})
    connection.setEncoding('utf8')
    connection.on('data', async (part: string) => {
      text += part
      if (text.length > REQUEST_MAX_BYTES) return void connection.destroy()
      if (!text.includes('\n')) return
      connection.removeAllListeners('data')
      connection.end(`${JSON.stringify(await answer(text, handle))}\n`)
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  // Whoever may write to it may give orders, wherever the data folder lies.
  await chmod(path, 0o600)
  return { [Symbol.dispose]: () => void server.close() }
}

async function answer(
  text: string,
  handle: (request: ControlRequest | DeskRequest) => Promise<unknown>,
): Promise<Answer> {
  try {
    return { ok: true, answer: await handle(Request.parse(JSON.parse(text))) }
  } catch (error) {
    return { ok: false, error: (error as Error).message }
  }
}

/**
 * Asks the supervisor that runs on this data folder.
 *
 * @param options.timeoutMs how long it may be silent
 * @throws {NotRunningError} when none runs there.
 * @throws {SilentSupervisorError} when it does not answer in time.
 * @throws when it refuses, or is silent.
 */
export async function askSupervisor(
  dataDir: string,
  request: ControlRequest,
  { timeoutMs = ANSWER_TIMEOUT_MS }: { readonly timeoutMs?: number } = {},
): Promise<SupervisorStatus> {
  return (await ask(dataDir, request, timeoutMs)) as SupervisorStatus
}

/** Asks the operator's desk, which answers within a second. @throws as askSupervisor does */
export async function askDesk<Request extends DeskRequest>(
  dataDir: string,
  request: Request,
): Promise<DeskAnswers[Request['command']]> {
  return (await ask(dataDir, request, DESK_TIMEOUT_MS)) as DeskAnswers[Request['command']]
}

/** Both ends are of one version: what is answered is what the request's type says. */
async function ask(
  dataDir: string,
  request: ControlRequest | DeskRequest,
  timeoutMs: number,
): Promise<unknown> {
  const text = await new Promise<string>((resolve, reject) => {
    let received = ''
    const connection = connect(socketPath(dataDir))
    connection.setTimeout(timeoutMs, () =>
      connection.destroy(
        new SilentSupervisorError(
          `Upbeat runs on ${dataDir} and has not answered within ${timeoutMs / 1_000} s: it, or this machine, is out of breath. What was ordered may be done all the same: upbeat audit tells. Then try again.`,
        ),
      ),
    )
    connection.setEncoding('utf8')
    connection.on('data', (part: string) => (received += part))
    connection
      .once('end', () => resolve(received))
      .once('error', (error: NodeJS.ErrnoException) => {
        const isGone = ['ENOENT', 'ECONNREFUSED', 'EINVAL', 'ENOTDIR'].includes(error.code ?? '')
        reject(isGone ? new NotRunningError(`Upbeat does not run on ${dataDir}.`, { cause: error }) : error)
      })
    connection.write(`${JSON.stringify(request)}\n`)
  })
  const parsed = JSON.parse(text) as Answer
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.answer
}
