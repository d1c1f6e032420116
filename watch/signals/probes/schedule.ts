/** When each monitor is due: soon at first, then evenly spread, never two checks of one at once, late ones skipped rather than piled up. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../../kit/clock.ts'
import { createWheel } from './wheel.ts'

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
/** What is new is done first within this time, or so much longer that its first round is no burst. */
const FIRST_ROUND_MS = 5_000
const FIRST_EACH_MS = 20
/** More at once would only wait for each other. */
const MAX_RUNNING = 4_000

interface Item {
  work: ScheduledWork
  /** A turn of its rhythm. */
  readonly placeMs: number
  dueAtMs: number
  isRunning: boolean
  isGone: boolean
}

/** Starts with nothing to do. */
export function createSchedule(clock: Clock): Schedule {
  const closing = new AbortController()
  const items = new Map<string, Item>()
  const wheel = createWheel<Item>({ tickMs: TICK_MS, nowMs: clock.monotonicMs() })
  const latenesses: number[] = []
  const running = new Set<Promise<void>>()

  function start(item: Item, nowMs: number): void {
    latenesses.push(nowMs - item.dueAtMs)
    if (latenesses.length > LATENESSES_KEPT) latenesses.shift()
    item.isRunning = true
    const done = item.work
      .run(closing.signal)
      .then((isSoon) => {
        const soonMs = clock.monotonicMs() + (item.work.againMs ?? item.work.everyMs)
        if (isSoon === true && !item.isGone && soonMs < item.dueAtMs) moveTo(item, soonMs)
      })
      .finally(() => {
        item.isRunning = false
        running.delete(done)
      })
    running.add(done)
  }

  function moveTo(item: Item, dueAtMs: number): void {
    wheel.remove(item)
    item.dueAtMs = dueAtMs
    wheel.add(item)
  }

  function turn(): void {
    const nowMs = clock.monotonicMs()
    for (const item of wheel.takeDue(nowMs)) {
      if (!item.isRunning && running.size < MAX_RUNNING) start(item, nowMs)
      moveTo(item, nextTurn(item, nowMs))
    }
  }

  const timer = setInterval(turn, TICK_MS)
  return {
    set(work) {
      const { gone, added } = replaceItems(items, work, clock.monotonicMs())
      for (const item of gone) wheel.remove(item)
      for (const item of added) wheel.add(item)
    },
    latenesses: () => latenesses,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      closing.abort()
      await Promise.allSettled(running)
    },
  }
}

/** Keeps the rhythm; whole rounds that were missed are left out. */
function nextTurn({ placeMs, work: { everyMs } }: Item, nowMs: number): number {
  const passed = Math.floor((nowMs - placeMs) / everyMs)
  return placeMs + (passed + 1) * everyMs
}

/** Brings the items in line with the work; what keeps its key and interval is kept. */
function replaceItems(
  items: Map<string, Item>,
  work: readonly ScheduledWork[],
  nowMs: number,
): { readonly gone: Item[]; readonly added: Item[] } {
  const wanted = new Map(work.map((one) => [one.key, one]))
  const [gone, added]: [Item[], Item[]] = [[], []]
  for (const [key, item] of items) {
    const next = wanted.get(key)
    if (next && next.everyMs === item.work.everyMs) item.work = next
    else {
      item.isGone = true
      items.delete(key)
      gone.push(item)
    }
  }
  const fresh = [...wanted].filter(([key]) => !items.has(key))
  const firstMs = Math.max(FIRST_ROUND_MS, fresh.length * FIRST_EACH_MS)
  for (const [key, one] of fresh) {
    const place = fractionOf(key)
    const dueAtMs = nowMs + place * Math.min(one.everyMs, firstMs)
    const item = { work: one, placeMs: nowMs + place * one.everyMs, dueAtMs, isRunning: false, isGone: false }
    items.set(key, item)
    added.push(item)
  }
  return { gone, added }
}

/** 0 to 1, by the key: places are spread, and the same after a restart. */
function fractionOf(key: string): number {
  return createHash('sha256').update(key).digest().readUInt32BE(0) / 2 ** 32
}
