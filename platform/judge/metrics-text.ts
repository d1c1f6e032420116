/** Prometheus' text format as the judge needs it: names, labels, values. https://prometheus.io/docs/instrumenting/exposition_formats/ */
import { LATENCY_BOUNDS_MS, noLatencies } from '../../engines/steward/rollout/index.ts'

export interface MetricNames {
  /** A counter with the label `status` or `code`, or a histogram's `_count`. @default http_requests_total */
  readonly requests: string
  /** A histogram in seconds. @default http_request_duration_seconds */
  readonly latency: string
  /** @default process_resident_memory_bytes */
  readonly memory: string
}

export const USUAL_NAMES: MetricNames = {
  requests: 'http_requests_total',
  latency: 'http_request_duration_seconds',
  memory: 'process_resident_memory_bytes',
}

/** Sums since the process began. */
export interface Sums {
  readonly requests: number
  readonly errors: number
  readonly timeouts: number
  readonly shed: number
  readonly latencyBuckets: readonly number[]
  readonly rssBytes: number | null
}

interface Line {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** @throws when it counts no requests: nothing could be judged */
export function readSums(text: string, names: MetricNames = USUAL_NAMES): Sums {
  const lines = text.split('\n').flatMap(parseLine)
  const requests = lines.filter(({ name }) => name === names.requests)
  if (requests.length === 0) throw new Error(`There is no ${names.requests} in these metrics.`)
  const count = (isMeant: (status: number) => boolean) =>
    requests
      .filter(({ labels }) => isMeant(Number(labels.get('status') ?? labels.get('code') ?? 200)))
      .reduce((total, { value }) => total + value, 0)
  return {
    requests: count(() => true),
    errors: count((status) => status >= 500 && status !== 503 && status !== 504),
    timeouts: count((status) => status === 504),
    shed: count((status) => status === 503),
    latencyBuckets: readBuckets(lines.filter(({ name }) => name === `${names.latency}_bucket`)),
    rssBytes: lines.find(({ name }) => name === names.memory)?.value ?? null,
  }
}

/** Cumulative buckets of any bounds, each counted at its own upper bound. */
function readBuckets(lines: readonly Line[]): number[] {
  const byBound = new Map<number, number>()
  for (const { labels, value } of lines) {
    const boundS = Number((labels.get('le') ?? '').replace('+Inf', 'Infinity'))
    if (!Number.isNaN(boundS)) byBound.set(boundS, (byBound.get(boundS) ?? 0) + value)
  }
  const buckets = noLatencies()
  let below = 0
  for (const [boundS, total] of [...byBound].toSorted(([one], [other]) => one - other)) {
    const index = LATENCY_BOUNDS_MS.findIndex((boundMs) => boundS * 1_000 <= boundMs)
    buckets[index < 0 ? LATENCY_BOUNDS_MS.length : index]! += total - below
    below = total
  }
  return buckets
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

function parseLine(line: string): Line[] {
  const match = LINE.exec(line)
  if (!match) return []
  const value = Number(match[3])
  if (Number.isNaN(value)) return []
  const labels = new Map([...(match[2] ?? '').matchAll(LABEL)].map(([, key, text]) => [key!, text!]))
  return [{ name: match[1]!, labels, value }]
}
