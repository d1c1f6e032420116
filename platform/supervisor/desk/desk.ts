/**
 * The operator's desk: takes orders, from the control socket and from the operator's page, has them carried out, and
 * writes every one of them down. It stands in the supervisor, which needs neither database nor any role for it.
 */
import { v7 as uuidv7 } from 'uuid'
import type {
  AuditEntry,
  OperationsHistory,
  OperationsState,
  OperatorOrder,
  OrderAnswer,
  OrderGiver,
  RoleName,
} from '../../../contract/operations.ts'
import type { CodeReleaseState, ReleasesState } from '../../../contract/releases.ts'
import type { TakenBack } from '../../../contract/state.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { Log } from '../../../kit/log.ts'
import { takeCrash } from '../../app/poison/index.ts'
import type { RoleReport } from '../../app/vitals.ts'
import type { FromSupervisor } from '../protocol.ts'
import type { RoleProcess } from '../role-process.ts'
import type { DocumentReleases } from '../rollout/documents.ts'
import type { Releases } from '../rollout/releases.ts'
import { openAudit } from './audit.ts'
import { createBoard } from './board.ts'
import { createMaintenanceDesk } from './maintenance.ts'
import { levelOrdered, openOrderBook } from './order-book.ts'
import { createOrderTaker } from './order-taker.ts'
import { createOwnPrograms } from './own-programs.ts'
import { watchPeers } from './peers.ts'
import { takeSnapshot } from './snapshot.ts'
import { createSuspects } from './suspects.ts'

export interface Desk extends AsyncDisposable {
  state(): Promise<OperationsState>
  history(afterS: number): OperationsHistory
  audit(limit: number): Promise<AuditEntry[]>
  /** Of code, the one under way or the last one; null: none since the start. */
  release(): CodeReleaseState | null
  /** Of code and of documents. */
  releases(): Promise<ReleasesState>
  /** Everybody is told that a release went back by itself. */
  noteTakenBack(takenBack: TakenBack): void
  metrics(): Promise<string>
  /** Answers well within a second, whatever is dead. */
  give(order: OperatorOrder, who: OrderGiver): Promise<OrderAnswer>
  hear(role: RoleName, report: RoleReport): void
  forget(role: RoleName): void
  /** What a new process has to know before anything else. */
  greeting(): FromSupervisor[]
}

export interface DeskOptions {
  readonly dataDir: string
  readonly clock: Clock
  readonly log: Log
  /** The command line's program. */
  readonly commandLine: string
  /** None before they are made. */
  readonly roles: () => readonly RoleProcess[]
  /** Those that are told what changes: with the ones that are on trial. */
  readonly hearers: () => readonly RoleProcess[]
  readonly waitingConnections: () => number | null
  readonly releases: () => Releases | null
  readonly documents: () => DocumentReleases | null
  readonly databaseUrl: () => string | null
  /** Whether a role's silence counts only while we were awake to hear it. */
  readonly hasDoubt: boolean
  /** Whether what two processes died of is refused. */
  readonly isBarring: boolean
  /** Who is let through the public door. */
  readonly keeper: Keeper
}

/** The public door, and the kernel before it where that is wanted. */
export interface Keeper {
  setBlocks(networks: readonly string[]): void
  lift(line: string): void
  isNeeded(network: string): boolean
}

/** For so long everybody can see in the public state that a release went back. */
const TAKEN_BACK_TOLD_MS = 3_600_000

/** Opens it with the orders that were in force. */
export async function openDesk(options: DeskOptions): Promise<Desk> {
  const { dataDir, clock, log } = options
  const closing = new AbortController()
  const audit = openAudit(dataDir)
  // While the book is being opened there is nobody to tell.
  let tellOrders = () => {}
  let takenBack: TakenBack | null = null
  const board = createBoard({ processes: options.roles })

  const taker = createOrderTaker({ audit, clock, log })
  const book = await openOrderBook({
    dataDir,
    clock,
    onChange: () => tellOrders(),
    onExpired: (what) =>
      void taker.write({
        id: uuidv7(),
        at: clock.now().toISOString(),
        who: { kind: 'upbeat' },
        order: { type: 'expire', what },
        outcome: { state: 'done', detail: `The ${what} is over: its time had come.` },
      }),
    onError: (error) => log.error({ err: error }, 'operator.orders-unreadable'),
  })
  const ordersMessage = (): FromSupervisor => {
    const { features, maintenance, blocks, shapes } = book.inForce
    const level = levelOrdered(book.inForce)
    return { type: 'orders', orders: { level, features, maintenance, blocks, shapes, takenBack } }
  }
  const tellEach = (message: FromSupervisor): void => {
    for (const role of options.hearers()) role.send(message)
  }
  const keepOut = () => options.keeper.setBlocks(book.inForce.blocks.map(({ network }) => network))
  keepOut()
  tellOrders = () => {
    keepOut()
    tellEach(ordersMessage())
  }
  const peers = watchPeers({ roles: options.roles, board, tell: tellEach, hasDoubt: options.hasDoubt })
  const programs = createOwnPrograms(options)
  const suspects = createSuspects()
  // Of a process that nobody saw die.
  takeCrash(dataDir)
  const means = {
    book,
    clock,
    roles: options.roles,
    releases: options.releases,
    documents: options.documents,
    programs,
    signal: closing.signal,
    gate: {
      isNeeded: options.keeper.isNeeded,
      lift(key: string): void {
        options.keeper.lift(key)
        tellEach({ type: 'lift', key })
      },
    },
    maintenance: createMaintenanceDesk({
      book,
      clock,
      countUnderWay: () => countUnderWay(board.fresh('ingest'), board.fresh('worker')),
      findProblems: programs.findProblems,
      signal: closing.signal,
    }),
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
    release: () => options.releases()?.state ?? null,
    async releases() {
      const { documents = [], inForce = [], quarantined = [] } = (await options.documents()?.state()) ?? {}
      const code = options.releases()
      const barred = code?.quarantined.map((one) => ({ kind: 'code', ...one })) ?? []
      return {
        code: code?.state ?? null,
        codeInForce: code?.good.map(({ label, hash, promotedAt }) => ({ label, hash, promotedAt })) ?? [],
        documents,
        inForce,
        quarantined: [...quarantined, ...barred].toSorted((one, other) => (one.at < other.at ? 1 : -1)),
      }
    },
    noteTakenBack(noted) {
      takenBack = noted
      tellOrders()
      setTimeout(() => {
        if (takenBack !== noted) return
        takenBack = null
        tellOrders()
      }, TAKEN_BACK_TOLD_MS).unref()
    },
    async metrics() {
      // Loaded by the first who asks: most instances are never asked.
      const { renderMetrics } = await import('./metrics.ts')
      return renderMetrics(await state(), board)
    },
    give: (order, who) => taker.take(order, who, means),
    hear: board.hear,
    forget(role) {
      board.forget(role)
      const crash = role === 'api' ? takeCrash(dataDir) : null
      if (!crash) return
      log.error({ crash }, 'role.died-of')
      const suspect = options.isBarring ? suspects.note(crash) : null
      if (suspect) void taker.take({ type: 'bar-shape', ...suspect }, { kind: 'upbeat' }, means)
    },
    greeting: () => [ordersMessage(), peers.message()],
    async [Symbol.asyncDispose]() {
      closing.abort()
      await taker.settled()
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
