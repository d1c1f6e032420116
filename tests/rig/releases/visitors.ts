/** People who look around, on a schedule that nobody's answers slow down; each keeps a connection for a while. */
import { Agent, request } from 'node:http'

export interface Visits {
  readonly asked: number
  readonly answered: number
  /** Answers of 500 and above but for refusals, broken connections, and no answer in ten seconds. */
  readonly failed: number
  /** Turned away with 503. */
  readonly refused: number
  /** What went wrong, and how often. */
  readonly failures: ReadonlyMap<string, number>
  /** How late requests were sent, the worst. */
  readonly lagMaxMs: number
  readonly latenciesMs: readonly number[]
}

export interface Visitors extends AsyncDisposable {
  readonly visits: Visits
  /** Begins to count anew. */
  reset(): void
}

export interface VisitorsOptions {
  readonly url: string
  readonly paths: readonly string[]
  readonly perS: number
}

const VISITORS = 10
/** Then another one comes, by a connection of their own. */
const REQUESTS_PER_VISIT = 12
const PATIENCE_MS = 10_000
const REFUSED = '503'

/** They come at once, and until disposal. */
export function startVisitors({ url, paths, perS }: VisitorsOptions): Visitors {
  const fresh = () => ({
    asked: 0,
    answered: 0,
    failed: 0,
    refused: 0,
    failures: new Map<string, number>(),
    lagMaxMs: 0,
    latenciesMs: [] as number[],
  })
  let visits = fresh()
  const people = Array.from({ length: VISITORS }, () => ({ agent: newAgent(), asked: 0 }))
  const underWay = new Set<Promise<void>>()
  let [turn, isOver] = [0, false]

  async function visit(): Promise<void> {
    const now = visits
    const person = people[turn % people.length]!
    if (person.asked++ >= REQUESTS_PER_VISIT) Object.assign(person, { agent: newAgent(), asked: 1 })
    const path = paths[turn++ % paths.length]!
    const beganMs = performance.now()
    now.asked += 1
    const failure = await ask(`${url}${path}`, person.agent)
    now.latenciesMs.push(performance.now() - beganMs)
    if (failure === null) return void (now.answered += 1)
    if (failure === REFUSED) return void (now.refused += 1)
    now.failed += 1
    now.failures.set(failure, (now.failures.get(failure) ?? 0) + 1)
  }
  const startedMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const dueCount = ((performance.now() - startedMs) / 1_000) * perS
    visits.lagMaxMs = Math.max(visits.lagMaxMs, ((dueCount - sent - 1) / perS) * 1_000)
    for (; sent < dueCount && !isOver; sent++) {
      const one = visit().finally(() => underWay.delete(one))
      underWay.add(one)
    }
  }, 5)
  return {
    get visits() {
      return visits
    },
    reset() {
      visits = fresh()
    },
    async [Symbol.asyncDispose]() {
      isOver = true
      clearInterval(timer)
      await Promise.all(underWay)
      for (const { agent } of people) agent.destroy()
    },
  }
}

const newAgent = () => new Agent({ keepAlive: true, maxSockets: 2, timeout: 30_000 })

/** @returns what went wrong; null: nothing */
function ask(url: string, agent: Agent): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request(url, { agent }, (response) => {
      const { statusCode = 0 } = response
      const isFailure = statusCode >= 500
      response.on('error', (error) => resolve(error.message))
      response.on('end', () => resolve(isFailure ? String(statusCode) : null)).resume()
    })
    const timer = setTimeout(() => {
      resolve('no answer')
      asked.destroy()
    }, PATIENCE_MS)
    asked.on('close', () => clearTimeout(timer))
    asked.on('error', (error: NodeJS.ErrnoException) => {
      // Browsers send it again where an idle connection is closed at the same moment (RFC 9110, 9.2.2).
      if (asked.reusedSocket && error.code === 'ECONNRESET') resolve(ask(url, newAgent()))
      else resolve(error.code ?? error.message)
    })
    asked.end()
  })
}
