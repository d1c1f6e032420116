/** Orders in force: kept on the disk over restarts, dropped when their time is over. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { OrdersInForce } from '../../../contract/operations.ts'
import { LEVEL_MAX, Level } from '../../../contract/state.ts'
import type { Clock } from '../../../kit/clock.ts'
import { writeWhole } from '../../../kit/files/durable-file.ts'
import { ORDERS_FILE } from '../../app/supervisor-link.ts'

const Kept = OrdersInForce.extend({
  /** That maintenance asked for while it goes on; null: none goes on. */
  maintenanceLevel: Level.nullable(),
})
/** Orders in force, with what only the supervisor has to know. */
export type Kept = z.infer<typeof Kept>

export const NOTHING_ORDERED: Kept = {
  level: null,
  features: [],
  maintenance: null,
  blocks: [],
  shapes: [],
  maintenanceLevel: null,
}
/** Timers reach no further than 2³¹ ms; and a clock that is set meanwhile is noticed. */
const LOOK_MAX_MS = 30_000
/** A disk that takes nothing must not keep the operator waiting. */
const WRITE_LIMIT_MS = 300

export interface OrderBook extends Disposable {
  readonly inForce: Kept
  /** In force at once; settles when it is on the disk, or as soon as it is clear that this takes longer or fails. */
  change(changes: Partial<Kept>): Promise<void>
}

export interface OrderBookOptions {
  readonly dataDir: string
  readonly clock: Clock
  /** After each change, those by expiry included. */
  readonly onChange: () => void
  /** An order's time is over. @param what it was, in words */
  readonly onExpired: (what: string) => void
  readonly onError: (error: unknown) => void
}

/** Reads what was in force when the supervisor ended; what has expired meanwhile is dropped, and told. */
export async function openOrderBook(options: OrderBookOptions): Promise<OrderBook> {
  const { dataDir, clock } = options
  const path = join(dataDir, ORDERS_FILE)
  let inForce = await read(path, options.onError)
  let writing: Promise<unknown> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  const save = (): Promise<void> => {
    const text = `${JSON.stringify(inForce, null, 2)}\n`
    // What could not be written is in force all the same; it is only forgotten when the supervisor ends.
    const written = writing.then(() => writeWhole(path, text).then(() => {}, options.onError))
    writing = written
    return Promise.race([written, sleep(WRITE_LIMIT_MS, undefined, { ref: false })])
  }
  const dropExpired = (): void => {
    const { left, over } = sortOut(inForce, clock.now())
    if (over.length > 0) {
      inForce = left
      void save()
      for (const what of over) options.onExpired(what)
      options.onChange()
    }
    plan()
  }
  const plan = (): void => {
    clearTimeout(timer)
    const nextMs = endsOf(inForce).map((at) => new Date(at).getTime() - clock.now().getTime())
    if (nextMs.length === 0) return
    timer = setTimeout(dropExpired, Math.min(Math.max(Math.min(...nextMs), 0) + 1, LOOK_MAX_MS))
    timer.unref()
  }
  // Verifying does not survive the supervisor: it is asked for again.
  if (inForce.maintenance?.state === 'verifying')
    inForce = { ...inForce, maintenance: { ...inForce.maintenance, state: 'under-way' } }
  dropExpired()
  return {
    get inForce() {
      return inForce
    },
    change(changes) {
      inForce = { ...inForce, ...changes }
      plan()
      options.onChange()
      return save()
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}

/** The level that is ordered, by whoever asks for the worse one; null: none is. */
export function levelOrdered(
  kept: Kept,
): { level: number; reason: string; since: string; untilAt: string } | null {
  const { level, maintenance, maintenanceLevel } = kept
  if (maintenance === null || maintenanceLevel === null || maintenanceLevel <= (level?.level ?? 0))
    return level && { level: level.level, reason: level.reason, since: level.since, untilAt: level.untilAt }
  // It ends with the maintenance, not by the clock: what takes longer than announced is not finished by then.
  return {
    level: Math.min(maintenanceLevel, LEVEL_MAX),
    reason: maintenance.text,
    since: maintenance.startsAt,
    untilAt: FAR_AWAY,
  }
}

const FAR_AWAY = '9999-12-31T00:00:00.000Z'

async function read(path: string, onError: (error: unknown) => void): Promise<Kept> {
  try {
    return Kept.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    // Without its file, nothing is ordered: an operator who can't be understood must not keep Upbeat down.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onError(error)
    return NOTHING_ORDERED
  }
}

function endsOf({ level, features, maintenance, blocks, shapes }: Kept): string[] {
  return [
    ...(level ? [level.untilAt] : []),
    ...features.map(({ untilAt }) => untilAt),
    ...blocks.map(({ untilAt }) => untilAt),
    ...shapes.map(({ untilAt }) => untilAt),
    // One that has begun ends when it is told to.
    ...(maintenance?.state === 'announced' ? [maintenance.endsAt] : []),
  ]
}

function sortOut(kept: Kept, now: Date): { left: Kept; over: string[] } {
  const isOver = (at: string) => new Date(at) <= now
  const over: string[] = []
  let { level, maintenance } = kept
  if (level && isOver(level.untilAt)) {
    over.push(`level ${level.level}`)
    level = null
  }
  for (const { feature, untilAt } of kept.features) if (isOver(untilAt)) over.push(`pause of ${feature}`)
  for (const { network, untilAt } of kept.blocks) if (isOver(untilAt)) over.push(`block of ${network}`)
  for (const { shape, untilAt } of kept.shapes) if (isOver(untilAt)) over.push(`bar of ${shape}`)
  if (maintenance?.state === 'announced' && isOver(maintenance.endsAt)) {
    over.push('maintenance that was announced and never begun')
    maintenance = null
  }
  return {
    left: {
      ...kept,
      level,
      maintenance,
      features: kept.features.filter((it) => !isOver(it.untilAt)),
      blocks: kept.blocks.filter((it) => !isOver(it.untilAt)),
      shapes: kept.shapes.filter((it) => !isOver(it.untilAt)),
    },
    over,
  }
}
