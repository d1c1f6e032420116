/** The watch with a component and a monitor for each target, and its pages meanwhile. */
import { medianOf, quantileOf } from '../../tests/rig/quantile.ts'
import type { RunningWatch } from '../machine/running-watch.ts'
import { EVERY_S, MONITORS, TIMEOUT_S, urlOf } from './target.ts'

const GROUPS = 100
const SERVICE = 'scale'

/** The service's file. */
export function describeService(targetPort: number) {
  const numbers = Array.from({ length: MONITORS }, (_, n) => n)
  return {
    id: SERVICE,
    name: 'Ten thousand components',
    url: 'https://scale.example',
    features: numbers.map((n) => ({
      id: `c${n}`,
      name: `Component ${n}`,
      group: `Group ${Math.floor((n * GROUPS) / MONITORS)}`,
    })),
    monitors: numbers.map((n) => ({
      id: `m${n}`,
      type: 'http',
      features: [`c${n}`],
      url: urlOf(targetPort, n),
      everyS: EVERY_S,
      // As often as those that work: the other side knows no earlier try.
      retryS: EVERY_S,
      timeoutS: TIMEOUT_S,
      allowPrivate: true,
    })),
  }
}

const PAGES = {
  'status page': () => '/',
  'page of components': (turn: number) => `/s/${SERVICE}/components?page=${1 + (turn % 300)}`,
  'page of one component': (turn: number) => `/s/${SERVICE}/components/c${(turn * 37) % MONITORS}`,
  'status.json': () => `/api/v1/services/${SERVICE}/status.json`,
  'Statuspage summary.json': () => `/s/${SERVICE}/api/v2/summary.json`,
} as const
type PageName = keyof typeof PAGES

const VISIT_EVERY_MS = 2_000

export interface PageFigures {
  readonly visits: number
  readonly medianMs: number
  readonly slowestMs: number
  readonly bytes: number
}

export interface Visitor extends AsyncDisposable {
  /** What was seen since the last time it was asked. */
  take(): Readonly<Record<PageName, PageFigures>>
}

/** Begins to open each page every two seconds, one after the other, to its last byte. */
export function startVisitor(watch: RunningWatch): Visitor {
  const closing = new AbortController()
  let seen = new Map<PageName, { ms: number; bytes: number }[]>()
  async function visit(name: PageName, turn: number): Promise<void> {
    const startedMs = performance.now()
    const answer = await fetch(`http://127.0.0.1:${watch.port}${PAGES[name](turn)}`, {
      signal: closing.signal,
    })
    const { byteLength } = await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`The ${name} answers ${answer.status}.`)
    seen.set(name, [...(seen.get(name) ?? []), { ms: performance.now() - startedMs, bytes: byteLength }])
  }
  async function run(): Promise<void> {
    const names = Object.keys(PAGES) as PageName[]
    for (let turn = 0; !closing.signal.aborted; turn++) {
      for (const name of names) {
        await visit(name, turn)
        await new Promise((resolve) => setTimeout(resolve, VISIT_EVERY_MS / names.length))
      }
    }
  }
  const running = run().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error
  })
  return {
    take() {
      const taken = seen
      seen = new Map()
      return Object.fromEntries(
        (Object.keys(PAGES) as PageName[]).map((name) => {
          const visits = taken.get(name) ?? []
          return [
            name,
            {
              visits: visits.length,
              medianMs: medianOf(visits.map(({ ms }) => ms)),
              slowestMs: quantileOf(
                visits.map(({ ms }) => ms),
                1,
              ),
              bytes: visits.at(-1)?.bytes ?? 0,
            },
          ]
        }),
      ) as unknown as Record<PageName, PageFigures>
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      await running
    },
  }
}
