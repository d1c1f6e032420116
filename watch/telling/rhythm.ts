/** When a person wants to be told: at once, in a daily digest, not at night. Pure. */
import { z } from 'zod'

const MinuteOfDay = z.number().int().min(0).max(1439)

export const Rhythm = z.object({
  /** Once a day at this minute; null: at once. */
  digestAt: MinuteOfDay.nullable(),
  /** From and until, over midnight when the end is smaller; what comes up meanwhile waits. */
  quiet: z.object({ from: MinuteOfDay, until: MinuteOfDay }).nullable(),
  timeZone: z.string().max(64),
})
export type Rhythm = z.infer<typeof Rhythm>

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440

/** When a message that comes up now is due. Changes of the clock in the time zone may move it by their own length. */
export function dueAt(nowMs: number, rhythm: Rhythm): number {
  const { digestAt, quiet, timeZone } = rhythm
  const now = minuteOfDay(nowMs, timeZone)
  const base = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS
  if (digestAt !== null) return base + (((digestAt - now + DAY_MINUTES - 1) % DAY_MINUTES) + 1) * MINUTE_MS
  if (quiet === null || !isWithin(now, quiet)) return nowMs
  return base + ((quiet.until - now + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS
}

const isWithin = (minute: number, { from, until }: { from: number; until: number }): boolean =>
  from <= until ? minute >= from && minute < until : minute >= from || minute < until

function minuteOfDay(ms: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
  }).formatToParts(ms)
  const of = (type: string) => Number(parts.find((part) => part.type === type)!.value)
  return of('hour') * 60 + of('minute')
}
