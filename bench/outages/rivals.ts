/** What others do, each as its makers describe it, on the same samples. They say only whether a service has a problem. */
import type { Sample } from '../../engines/detect/index.ts'

const BIN_MS = 10_000
const MINUTE_BINS = 6

/** Takes the samples of a bin, says whether it alarms after it. One per service. */
export type Rival = (samples: readonly Sample[], endMs: number) => boolean

export const RIVALS: Readonly<Record<string, () => Rival>> = {
  'seven-reports': sevenReports,
  'time-of-day': timeOfDay,
  'ewma-z': ewmaZ,
  'three-failures': threeFailures,
}

const countReports = (samples: readonly Sample[]): number =>
  samples.reduce((sum, sample) => sum + (sample.kind === 'reports' ? sample.count : 0), 0)

/** A sum over the last `bins` bins. */
function createWindow(bins: number): (value: number) => number {
  const ring = new Float64Array(bins)
  let [at, sum] = [0, 0]
  return (value) => {
    sum += value - ring[at]!
    ring[at] = value
    at = (at + 1) % bins
    return sum
  }
}

/** OpenStatus: seven reporters within fifteen minutes. */
function sevenReports(): Rival {
  const add = createWindow(15 * MINUTE_BINS)
  return (samples) => add(countReports(samples)) >= 7
}

/** Downdetector, as it describes itself: against the mean at that time of day; here three times it. */
function timeOfDay(): Rival {
  const SLOTS = 96
  const sums = new Float64Array(SLOTS)
  const days = new Float64Array(SLOTS)
  const add = createWindow(15 * MINUTE_BINS)
  return (samples, endMs) => {
    const count = add(countReports(samples))
    const slot = Math.floor((endMs % 86_400_000) / 900_000)
    const mean = days[slot]! > 0 ? sums[slot]! / days[slot]! : null
    if (endMs % 900_000 === 0) {
      sums[slot]! += count
      days[slot]! += 1
    }
    // Three people are not yet a crowd, whatever the mean.
    return mean !== null && count > 3 * mean && count >= 4
  }
}

/** Reports of five minutes against their moving mean and variance. */
function ewmaZ(): Rival {
  const add = createWindow(5 * MINUTE_BINS)
  const WEIGHT = 1 / (120 * MINUTE_BINS)
  const Z = 5
  let [mean, variance, bins] = [0, 1, 0]
  return (samples) => {
    const count = add(countReports(samples))
    bins++
    const z = (count - mean) / Math.sqrt(Math.max(variance, 1))
    const weight = Math.max(WEIGHT, 1 / bins)
    if (z < Z || bins < 360) {
      variance += weight * ((count - mean) ** 2 - variance)
      mean += weight * (count - mean)
    }
    return bins > 360 && z >= Z
  }
}

/** A monitor alarms when it has failed three times in a row. */
function threeFailures(): Rival {
  const failures = new Map<string, number>()
  let alarming = 0
  return (samples) => {
    for (const sample of samples) {
      if (sample.kind !== 'probes') continue
      const key = `${sample.monitorId} ${sample.vantageId}`
      const before = failures.get(key) ?? 0
      if (sample.outcome === 'ok') {
        if (before >= 3) alarming--
        failures.set(key, 0)
      } else if (sample.outcome === 'failed') {
        if (before === 2) alarming++
        failures.set(key, before + 1)
      }
    }
    return alarming > 0
  }
}

export interface Alarm {
  readonly serviceId: string
  readonly fromMs: number
  toMs: number | null
}

/** Turns a rival's yes and no into alarms; it closes after five minutes of no. */
export function createAlarms(serviceId: string, rival: Rival) {
  const alarms: Alarm[] = []
  let open: Alarm | null = null
  let lastMs = 0
  return {
    alarms,
    take(samples: readonly Sample[], endMs: number): void {
      if (rival(samples, endMs)) {
        lastMs = endMs
        if (open === null) {
          open = { serviceId, fromMs: endMs, toMs: null }
          alarms.push(open)
        }
      } else if (open !== null && endMs - lastMs >= 30 * BIN_MS) {
        open.toMs = endMs
        open = null
      }
    },
  }
}
