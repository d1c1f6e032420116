/** When each monitor is due: evenly spread, never two checks of one at once, late ones skipped rather than piled up. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../../kit/clock.ts'

export interface ScheduledWork {
  /** Unique and stable: it decides the place within the interval. */
  readonly key: string
  readonly everyMs: number
  /** How soon it is done again when `run` answers true. @default everyMs */
  readonly againMs?: number
  /** Answers whether it is to be done again soon. */
  readonly run: (signal: AbortSignal) => Promise<boolean | void>
}

export interface Schedule extends AsyncDisposable {
  /** Replaces all work; what runs is left to end, and what keeps its key and interval keeps its place. */
  set(work: readonly ScheduledWork[]): void
  /** How late checks began, in milliseconds: the last 1,000. */
  latenesses(): readonly number[]
}

const TICK_MS = 50
const LATENESSES_KEPT = 1_000
/** More at once would only wait for each other. */
const MAX_RUNNING = 4_000

interface Item {
  work: ScheduledWork
  dueAtMs: number
  isRunning: boolean
  isGone: boolean
}

/** Starts with nothing to do. */
export function createSchedule(clock: Clock): Schedule {
  const closing = new AbortController()
  const items = new Map<string, Item>()
  // Slots of one tick each, as many as the ring is long; an item that is due later than a round waits in its slot.
  const slots: Set<Item>[] = Array.from({ length: 2_048 }, () => new Set<Item>())
  const latenesses: number[] = []
  const running = new Set<Promise<void>>()
  let tick = Math.floor(clock.monotonicMs() / TICK_MS)

  const slotOf = (item: Item) => slots[Math.ceil(item.dueAtMs / TICK_MS) % slots.length]!

  function start(item: Item, nowMs: number): void {
    latenesses.push(nowMs - item.dueAtMs)
    if (latenesses.length > LATENESSES_KEPT) latenesses.shift()
    item.isRunning = true
    const done = item.work
      .run(closing.signal)
      .then((isSoon) => {
        if (isSoon === true) hasten(item)
      })
      .finally(() => {
        item.isRunning = false
        running.delete(done)
      })
    running.add(done)
  }

  function hasten(item: Item): void {
    const soonMs = clock.monotonicMs() + (item.work.againMs ?? item.work.everyMs)
    if (item.isGone || soonMs >= item.dueAtMs) return
    slotOf(item).delete(item)
    item.dueAtMs = soonMs
    slotOf(item).add(item)
  }

  function plan(item: Item, nowMs: number): void {
    // Keeps the rhythm; whole rounds that were missed are left out.
    const missed = Math.floor((nowMs - item.dueAtMs) / item.work.everyMs)
    item.dueAtMs += (missed + 1) * item.work.everyMs
    slotOf(item).add(item)
  }

  function turn(): void {
    const nowMs = clock.monotonicMs()
    const until = Math.floor(nowMs / TICK_MS)
    // After a long standstill one round over all slots is enough.
    tick = Math.max(tick, until - slots.length)
    for (; tick <= until; tick++) {
      const slot = slots[tick % slots.length]!
      for (const item of [...slot]) {
        if (!item.isGone && item.dueAtMs > nowMs) continue
        slot.delete(item)
        if (item.isGone) continue
        if (!item.isRunning && running.size < MAX_RUNNING) start(item, nowMs)
        plan(item, nowMs)
      }
    }
  }

  const timer = setInterval(turn, TICK_MS)
  return {
    set(work) {
      const wanted = new Map(work.map((one) => [one.key, one]))
      for (const [key, item] of items) {
        const next = wanted.get(key)
        if (next && next.everyMs === item.work.everyMs) item.work = next
        else {
          item.isGone = true
          items.delete(key)
        }
      }
      const nowMs = clock.monotonicMs()
      for (const [key, one] of wanted) {
        if (items.has(key)) continue
        const item = {
          work: one,
          dueAtMs: nowMs + fractionOf(key) * one.everyMs,
          isRunning: false,
          isGone: false,
        }
        items.set(key, item)
        slotOf(item).add(item)
      }
    },
    latenesses: () => latenesses,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      closing.abort()
      await Promise.allSettled(running)
    },
  }
}

/** 0 to 1, by the key: places are spread, and the same after a restart. */
function fractionOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32
}
