/** How the same browser check went for others in the last minutes: counts a minute, nothing about anyone. */
import type { Clock } from '../../kit/clock.ts'

const MINUTE_MS = 60_000
const WINDOW_MINUTES = 15

export interface PassRates {
  record(serviceId: string, isPassed: boolean): void
  /** Null while nobody tried. */
  read(serviceId: string): { readonly passed: number; readonly total: number } | null
}

interface Minute {
  readonly minute: number
  passed: number
  total: number
}

/** Bounded by the services of the catalogue: callers check that the service exists. */
export function createPassRates(clock: Clock): PassRates {
  const minutesOf = new Map<string, Minute[]>()
  const nowMinute = () => Math.floor(clock.now().getTime() / MINUTE_MS)
  const fresh = (serviceId: string): Minute[] =>
    (minutesOf.get(serviceId) ?? []).filter(({ minute }) => minute > nowMinute() - WINDOW_MINUTES)
  return {
    record(serviceId, isPassed) {
      const minutes = fresh(serviceId)
      let current = minutes.at(-1)
      if (current?.minute !== nowMinute())
        minutes.push((current = { minute: nowMinute(), passed: 0, total: 0 }))
      current.total += 1
      if (isPassed) current.passed += 1
      minutesOf.set(serviceId, minutes)
    },
    read(serviceId) {
      const minutes = fresh(serviceId)
      const sum = (pick: (minute: Minute) => number) =>
        minutes.reduce((total, minute) => total + pick(minute), 0)
      const total = sum((minute) => minute.total)
      return total === 0 ? null : { passed: sum((minute) => minute.passed), total }
    },
  }
}
