/** Traffic that is pulled: counters of a metrics page, turned into what they grew by. */
import type { TrafficSample } from '../../../engines/detect/types.ts'
import { sendGuarded } from '../../../kit/network/guarded-request.ts'
import { startRepeating } from '../../../kit/repeat.ts'
import type { WatchCtx } from '../../app/context.ts'
import type { ServiceEntry } from '../../configuration/index.ts'
import { readPrometheusText } from './prometheus-text.ts'

type Pull = ServiceEntry['traffic']['pull'][number]
type Cell = { requests: number | null; errors: number | null; bytes: number | null }

const PAGE_MAX_BYTES = 8 * 1024 * 1024
const TIMEOUT_MS = 10_000

/** Pulls until it is disposed. A page that can't be read sends nothing: unknown is not zero. */
export function startTrafficPull(
  ctx: WatchCtx,
  entry: ServiceEntry,
  pull: Pull,
  observe: (sample: TrafficSample) => void,
): AsyncDisposable {
  const reader = createPullReader(entry, pull)
  return startRepeating({
    intervalMs: pull.everyS * 1_000,
    work: async (signal) => {
      const answer = await sendGuarded({
        url: pull.url,
        timeoutMs: TIMEOUT_MS,
        maxBodyBytes: PAGE_MAX_BYTES,
        maxRedirects: 2,
        allowPrivate: pull.allowPrivate,
        signal,
        ...(pull.bearer !== null && { headers: { authorization: `Bearer ${pull.bearer}` } }),
      })
      if (answer.status !== 200 || answer.isBodyCut) {
        reader.skip()
        throw new Error(`${pull.url} answers ${answer.status}${answer.isBodyCut ? ', too long' : ''}`)
      }
      for (const sample of reader.read(answer.body.toString('utf8'), ctx.clock.now().getTime()))
        observe(sample)
    },
    onError: (error) => {
      reader.skip()
      ctx.log.warn({ err: error, service: entry.id }, 'traffic.not-read')
    },
  })
}

/** Pure but for what it remembers: the counters of the last page. */
export function createPullReader(entry: ServiceEntry, pull: Pull) {
  const wanted = new Set(pull.series.map(({ metric }) => metric))
  const features = new Set(entry.features.map(({ id }) => id))
  const regions = new Set(entry.regions.map(({ id }) => id))
  const only = entry.regions.length === 1 ? entry.regions[0]!.id : null
  let last = new Map<string, number>()
  let lastAtMs: number | null = null

  return {
    /** What lies between is unknown. */
    skip() {
      last = new Map()
      lastAtMs = null
    },
    read(text: string, atMs: number): TrafficSample[] {
      const now = new Map<string, number>()
      const cells = new Map<string, Cell>()
      for (const { name, labels, value } of readPrometheusText(text, wanted)) {
        const key = `${name} ${JSON.stringify(labels)}`
        now.set(key, value)
        const before = last.get(key)
        for (const series of pull.series) {
          if (series.metric !== name || !isSelected(series.where, labels)) continue
          const feature = series.feature ?? labels[series.featureLabel ?? '']
          const region = series.region ?? labels[series.regionLabel ?? ''] ?? only
          if (feature === undefined || !features.has(feature) || region === null || !regions.has(region))
            continue
          const cell = cells.get(`${feature} ${region}`) ?? { requests: null, errors: null, bytes: null }
          cells.set(`${feature} ${region}`, cell)
          // A series that is new began at 0 since the last page; one that fell began anew with its process.
          const grown = before === undefined ? value : value >= before ? value - before : value
          cell[series.as] = (cell[series.as] ?? 0) + grown
        }
      }
      const sinceMs = lastAtMs
      last = now
      lastAtMs = atMs
      if (sinceMs === null) return []
      return [...cells].map(([key, cell]) => {
        const [featureId, region] = key.split(' ') as [string, string]
        return {
          kind: 'traffic' as const,
          serviceId: entry.id,
          atMs,
          featureId,
          region,
          intervalMs: atMs - sinceMs,
          ...cell,
          diversity: null,
        }
      })
    },
  }
}

const isSelected = (
  where: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean =>
  Object.entries(where).every(([name, pattern]) => new RegExp(`^(?:${pattern})$`).test(labels[name] ?? ''))
