/** From an order to its answer: carried out, written down, and written down again when what it began has ended. */
import { setTimeout as sleep } from 'node:timers/promises'
import { v7 as uuidv7 } from 'uuid'
import type {
  AuditEntry,
  OperatorOrder,
  OrderAnswer,
  OrderGiver,
  OrderOutcome,
} from '../../../contract/operations.ts'
import type { Clock } from '../../../kit/clock.ts'
import type { Log } from '../../../kit/log.ts'
import type { Audit } from './audit.ts'
import { carryOut, type Means } from './carry-out.ts'
import { failed, type Carried } from './outcome.ts'

/** What ends within this time is answered with its end. */
const PROMPT_MS = 250
/** A disk that does not take the line must not keep the operator waiting. */
const WRITE_LIMIT_MS = 300

export interface OrderTaker {
  /** Answers well within a second; what goes on for longer is followed, and its end written down. */
  take(order: OperatorOrder, who: OrderGiver, means: Means): Promise<OrderAnswer>
  /** False: it could not be written down in time, and the log says why. */
  write(entry: AuditEntry): Promise<boolean>
  /** Waits for all that was begun. */
  settled(): Promise<void>
}

interface OrderTakerOptions {
  readonly audit: Pick<Audit, 'add'>
  readonly clock: Clock
  readonly log: Log
}

/** Takes orders of anybody: who may give one is decided where they come in. */
export function createOrderTaker({ audit, clock, log }: OrderTakerOptions): OrderTaker {
  const underWay = new Set<Promise<unknown>>()

  async function write(entry: AuditEntry): Promise<boolean> {
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

  async function take(order: OperatorOrder, who: OrderGiver, means: Means): Promise<OrderAnswer> {
    const id = uuidv7()
    // Who dies while carrying it out has said what it was.
    log.info({ id, order, who }, 'operator.order-taken')
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

  return {
    take,
    write,
    async settled() {
      await Promise.all(underWay)
    },
  }
}
