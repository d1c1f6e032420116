/** Maintenance: announced, begun by letting what is under way end, verified, and only then over. */
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import { MAINTENANCE_MAX_S, type OperatorOrder, type OrderOutcome } from '../../../contract/operations.ts'
import type { Maintenance } from '../../../contract/state.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { OrderBook } from './order-book.ts'
import { begun, done, failed, refused, type Carried } from './outcome.ts'

/** What is under way gets so long to end; uploads that are cut off go on from their last acknowledged byte. */
const DRAIN_MAX_MS = 30_000
const DRAIN_LOOK_MS = 250

export interface MaintenanceDesk {
  announce(order: Extract<OperatorOrder, { type: 'announce-maintenance' }>): Promise<Carried>
  begin(order: Extract<OperatorOrder, { type: 'begin-maintenance' }>): Promise<Carried>
  end(order: Extract<OperatorOrder, { type: 'end-maintenance' }>): Promise<Carried>
  cancel(): Promise<Carried>
}

export interface MaintenanceOptions {
  readonly book: OrderBook
  readonly clock: Clock
  /** Uploads and jobs that are still under way; null: unknown. */
  readonly countUnderWay: () => number | null
  /** What is amiss, in words. @throws when it could not be found out */
  readonly findProblems: (signal: AbortSignal) => Promise<string[]>
  readonly signal: AbortSignal
}

/** Nothing is kept here: what goes on stands in the order book, and so outlives the supervisor. */
export function createMaintenanceDesk(options: MaintenanceOptions): MaintenanceDesk {
  const { book, clock } = options
  const setState = (maintenance: Maintenance, state: Maintenance['state']) =>
    book.change({ maintenance: { ...maintenance, state } })

  return {
    async announce({ startsAt, endsAt, text }) {
      const now = book.inForce.maintenance
      const [from, to] = [new Date(startsAt).getTime(), new Date(endsAt).getTime()]
      if (to <= from) return refused('It would end before it starts.')
      if (to <= clock.now().getTime()) return refused('It would be over already.')
      if (to - from > MAINTENANCE_MAX_S * 1_000)
        return refused(`It may last ${MAINTENANCE_MAX_S / 3_600} hours at most.`)
      if (now && now.state !== 'announced') {
        await book.change({ maintenance: { ...now, endsAt, text } })
        return done(`It goes on; everyone is told that it ends at ${endsAt}.`)
      }
      await book.change({
        maintenance: { id: now?.id ?? uuidv7(), state: 'announced', startsAt, endsAt, text },
      })
      return done(`Everyone is told of ${startsAt} to ${endsAt}. It begins when you begin it.`)
    },

    async begin({ level }) {
      const { maintenance } = book.inForce
      if (!maintenance)
        return refused('None is announced. Announce it first, so that people and the watch know.')
      if (maintenance.state !== 'announced') return refused('It goes on already.')
      const nowMs = clock.now().getTime()
      const startsAt = new Date(Math.min(nowMs, new Date(maintenance.startsAt).getTime())).toISOString()
      await book.change({
        maintenance: { ...maintenance, state: 'under-way', startsAt },
        maintenanceLevel: 0,
      })
      return begun('Uploads and processing are paused; what is under way is finished first.', drain(level))
    },

    async end({ isDespiteProblems }) {
      const { maintenance } = book.inForce
      if (!maintenance || maintenance.state === 'announced') return refused('None goes on.')
      if (maintenance.state === 'verifying') return refused('It is being verified already.')
      await setState(maintenance, 'verifying')
      return begun('The doctor looks at everything first.', verify(isDespiteProblems))
    },

    async cancel() {
      const { maintenance } = book.inForce
      if (!maintenance) return refused('None is announced.')
      if (maintenance.state !== 'announced') return refused('It goes on already: end it instead.')
      await book.change({ maintenance: null })
      return done('Nobody is told of it any more.')
    },
  }

  async function drain(level: number): Promise<OrderOutcome> {
    const startedMs = clock.monotonicMs()
    let left = options.countUnderWay()
    while (left !== 0 && clock.monotonicMs() - startedMs < DRAIN_MAX_MS) {
      await sleep(DRAIN_LOOK_MS, undefined, { signal: options.signal })
      if (book.inForce.maintenance?.state !== 'under-way') return failed('It was ended meanwhile.')
      left = options.countUnderWay()
    }
    await book.change({ maintenanceLevel: level })
    const seconds = Math.round((clock.monotonicMs() - startedMs) / 1_000)
    const drained =
      left === 0
        ? `What was under way had ended after ${seconds} s.`
        : `After ${seconds} s, ${left === null ? 'nobody could say what was' : `${left} were`} still under way: they go on later from where they are.`
    return { state: 'done', detail: `${drained} The level is at least ${level}.` }
  }

  async function verify(isDespiteProblems: boolean): Promise<OrderOutcome> {
    const problems = await options
      .findProblems(options.signal)
      .catch((error: unknown) => [`It could not be verified: ${(error as Error).message}`])
    const { maintenance } = book.inForce
    if (maintenance?.state !== 'verifying') return failed('Maintenance was changed meanwhile.')
    if (problems.length > 0 && !isDespiteProblems) {
      await setState(maintenance, 'under-way')
      return failed(`It stays closed. ${problems.join(' ')}`)
    }
    await book.change({ maintenance: null, maintenanceLevel: null })
    const found = problems.length > 0 ? `Open, despite: ${problems.join(' ')}` : 'Every check is fine.'
    return { state: 'done', detail: `${found} Everything comes back step by step.` }
  }
}
