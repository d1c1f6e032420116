/**
 * The operator's desk: takes orders, from the control socket and from the operator's page, has them carried out, and
 * writes every one of them down. It stands in the supervisor, which needs neither database nor any role for it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { v7 as uuidv7 } from 'uuid'
import type {
  AuditEntry,
  OperationsHistory,
  OperationsState,
  OperatorOrder,
  OrderAnswer,
  OrderGiver,
  OrderOutcome,
  RoleName,
} from '../../../contract/operations.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { Log } from '../../../kit/log.ts'
import type { RoleReport } from '../../app/vitals.ts'
import type { FromSupervisor } from '../protocol.ts'
import type { RoleProcess } from '../role-process.ts'
import { openAudit } from './audit.ts'
import { createBoard, type Board } from './board.ts'
import { carryOut } from './carry-out.ts'
import { createMaintenanceDesk } from './maintenance.ts'
import { levelOrdered, openOrderBook } from './order-book.ts'
import { failed, type Carried } from './outcome.ts'
import { createOwnPrograms } from './own-programs.ts'
import { takeSnapshot } from './snapshot.ts'

/** What ends within this time is answered with its end. */
const PROMPT_MS = 250
/** A disk that does not take the line must not keep the operator waiting. */
const WRITE_LIMIT_MS = 300

export interface Desk extends AsyncDisposable {
  state(): Promise<OperationsState>
  history(afterS: number): OperationsHistory
  audit(limit: number): Promise<AuditEntry[]>
  metrics(): Promise<string>
  /** Answers well within a second, whatever is dead. */
  give(order: OperatorOrder, who: OrderGiver): Promise<OrderAnswer>
  hear(role: RoleName, report: RoleReport): void
  forget(role: RoleName): void
  /** What a new process has to know before anything else. */
  greeting(): FromSupervisor[]
}

/** How often the roles are looked at, to tell each of the others. */
const PEERS_LOOK_MS = 250
/** A process that has just begun says nothing for a while, and so does one on a machine that has too much to do. */
const SILENCE_MAX_MS = 15_000

export interface DeskOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Log
  /** The command line's program. */
  readonly commandLine: string
  /** None before they are made. */
  readonly roles: () => readonly RoleProcess[]
  readonly waitingConnections: () => number | null
  readonly databaseUrl: () => string | null
}

/** Opens it with the orders that were in force. */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const { dataDir, clock, log } = options
  const closing = new AbortController()
  const underWay = new Set<Promise<unknown>>()
  const audit = openAudit(dataDir)
  // While the book is being opened there is nobody to tell.
  let tellOrders = () => {}
  const board = createBoard({ processes: options.roles })

  const write = async (entry: AuditEntry): Promise<boolean> => {
    log.info({ order: entry.order, who: entry.who, outcome: entry.outcome }, 'operator.order')
    const written = audit.add(entry).then(
      () => true,
      (error: unknown) => {
        log.error({ err: error }, 'operator.audit-not-written')
        return false
      },
    )
    return Promise.race([written, sleep(WRITE_LIMIT_MS, false, { ref: false })])
  }
  const book = await openOrderBook({
    dataDir,
    clock,
    onChange: () => tellOrders(),
    onExpired: (what) =>
      void write({
        id: uuidv7(),
        at: clock.now().toISOString(),
        who: { kind: 'upbeat' },
        order: { type: 'expire', what },
        outcome: { state: 'done', detail: `The ${what} is over: its time had come.` },
      }),
    onError: (error) => log.error({ err: error }, 'operator.orders-unreadable'),
  })
  const ordersMessage = (): FromSupervisor => {
    const { features, maintenance } = book.inForce
    return { type: 'orders', orders: { level: levelOrdered(book.inForce), features, maintenance } }
  }
  const tellEach = (message: FromSupervisor): void => {
    for (const role of options.roles()) role.send(message)
  }
  tellOrders = () => tellEach(ordersMessage())
  const peers = watchPeers(options.roles, board, tellEach)
  const programs = createOwnPrograms(options)
  const means = {
    book,
    clock,
    roles: options.roles,
    programs,
    signal: closing.signal,
    maintenance: createMaintenanceDesk({
      book,
      clock,
      countUnderWay: () => countUnderWay(board.fresh('ingest'), board.fresh('worker')),
      findProblems: programs.findProblems,
      signal: closing.signal,
    }),
  }

  async function give(order: OperatorOrder, who: OrderGiver): Promise<OrderAnswer> {
    const id = uuidv7()
    const note = (outcome: OrderOutcome) => write({ id, at: clock.now().toISOString(), who, order, outcome })
    const carried = await carryOut(order, who, means).catch((error: unknown): Carried => ({
      outcome: failed((error as Error).message),
      ended: null,
    }))
    const ended = carried.ended?.catch((error: unknown) => failed((error as Error).message)) ?? null
    const outcome =
      ended === null
        ? carried.outcome
        : await Promise.race([ended, sleep(PROMPT_MS, carried.outcome, { ref: false })])
    if (ended !== null && outcome.state === 'begun') follow(ended.then(note))
    const isWritten = await note(outcome)
    return {
      id,
      outcome: isWritten
        ? outcome
        : { ...outcome, detail: `${outcome.detail} It could not be written down in logs/audit.jsonl.` },
    }
  }

  function follow(work: Promise<unknown>): void {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  const state = () =>
    takeSnapshot({
      dataDir,
      board,
      inForce: book.inForce,
      waitingConnections: options.waitingConnections(),
    })
  return {
    state,
    history: board.history,
    audit: audit.latest,
    async metrics() {
      // Loaded by the first who asks: most instances are never asked.
      const { renderMetrics } = await import('./metrics.ts')
      return renderMetrics(await state(), board)
    },
    give,
    hear: board.hear,
    forget: board.forget,
    greeting: () => [ordersMessage(), peers.message()],
    async [Symbol.asyncDispose]() {
      closing.abort()
      await Promise.all(underWay)
      peers[Symbol.dispose]()
      book[Symbol.dispose]()
      board[Symbol.dispose]()
    },
  }
}

/** Requests with bytes at the ingest, and jobs that run; null: one of them is silent. */
function countUnderWay(ingest: RoleReport | null, worker: RoleReport | null): number | null {
  const uploads = ingest?.requests?.inFlight
  const jobs = worker?.jobs?.queues.map(({ running }) => running)
  if (uploads === undefined || jobs === undefined || jobs.includes(null)) return null
  return uploads + jobs.reduce<number>((total, running) => total + running!, 0)
}

/** Tells when a role begins or ceases to take work, and what the api's load asks of the others. */
function watchPeers(
  roles: () => readonly RoleProcess[],
  board: Pick<Board, 'silentMs' | 'fresh'>,
  tell: (message: FromSupervisor) => void,
) {
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
  }, PEERS_LOOK_MS)
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
