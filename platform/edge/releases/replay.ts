/** The same requests of several edges at the same moment: what each makes of them is what their documents differ in. */
import { Agent, get } from 'node:http'
import { bucketOf, noLatencies } from '../../../engines/steward/rollout/index.ts'

/** What was seen of one of them since it was last asked. */
export interface Seen {
  requests: number
  /** Answers of 500 and above. */
  errors: number
  /** The connection ended without an answer. */
  broken: number
  timeouts: number
  /** By `LATENCY_BOUNDS_MS`. */
  latencyBuckets: number[]
}

export interface Replay<Name extends string> extends Disposable {
  take(name: Name): Seen
}

export interface Target {
  readonly host: string
  readonly port: number
}

export interface ReplayOptions<Name extends string> {
  readonly targets: () => Readonly<Partial<Record<Name, Target>>>
  readonly paths: readonly string[]
  /** Of each. */
  readonly ratePerS: number
}

const TICK_MS = 50
const TIMEOUT_MS = 2_000
/** Whoever does not answer must not pile up what is asked of it. */
const UNDER_WAY_MAX = 64

const nothing = (): Seen => ({
  requests: 0,
  errors: 0,
  broken: 0,
  timeouts: 0,
  latencyBuckets: noLatencies(),
})

/** Begins at once. */
export function startReplay<Name extends string>({
  targets,
  paths,
  ratePerS,
}: ReplayOptions<Name>): Replay<Name> {
  const agent = new Agent({ keepAlive: true, maxSockets: UNDER_WAY_MAX })
  const seen = new Map<Name, Seen>()
  const seenOf = (name: Name): Seen => {
    const found = seen.get(name) ?? nothing()
    seen.set(name, found)
    return found
  }
  let [due, turn, underWay] = [0, 0, 0]

  async function ask(name: Name, target: Target, path: string): Promise<void> {
    const beganMs = performance.now()
    underWay += 1
    const status = await statusOf(agent, target, path)
    underWay -= 1
    const of = seenOf(name)
    of.requests += 1
    if (status === 'timeout') of.timeouts += 1
    else if (status === 'broken') of.broken += 1
    else if (status >= 500) of.errors += 1
    of.latencyBuckets[bucketOf(performance.now() - beganMs)]! += 1
  }

  const timer = setInterval(() => {
    due = Math.min(due + (ratePerS * TICK_MS) / 1_000, ratePerS)
    for (; due >= 1 && underWay < UNDER_WAY_MAX; due--) {
      const path = paths[turn++ % paths.length]!
      for (const [name, target] of Object.entries(targets()) as [Name, Target][]) void ask(name, target, path)
    }
  }, TICK_MS)
  return {
    take(name) {
      const taken = seenOf(name)
      seen.set(name, nothing())
      return taken
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      agent.destroy()
    },
  }
}

function statusOf(
  agent: Agent,
  { host, port }: Target,
  path: string,
): Promise<number | 'broken' | 'timeout'> {
  return new Promise((resolve) => {
    const asking = get({ agent, host, port, path }, (answer) => {
      answer.once('error', () => resolve('broken'))
      answer.once('end', () => resolve(answer.statusCode!)).resume()
    })
    const timer = setTimeout(() => {
      resolve('timeout')
      asking.destroy()
    }, TIMEOUT_MS)
    asking.once('close', () => clearTimeout(timer)).once('error', () => resolve('broken'))
  })
}
