/**
 * Golden requests, asked of both sides of a trial at the same moment: before people meet the new code, and besides
 * them where they are few.
 */
import { Agent, request } from 'node:http'
import type { GoldenRequest } from '../../app/golden-requests.ts'

/** What the asking itself saw, which the process asked may not have counted. */
export interface ReplayCounts {
  asked: number
  /** No answer came: the connection broke. */
  broken: number
  timeouts: number
  /** Another answer than the other side gave, which gave the recorded one. Answers of 500 and above are counted where they are made. */
  different: number
}

export interface ReplayOptions {
  readonly ports: Readonly<Record<'baseline' | 'canary', number>>
  readonly requests: () => readonly GoldenRequest[]
  /** Neither side answers it as it was recorded. */
  readonly onStale: (request: GoldenRequest) => void
}

export interface Replay extends Disposable {
  /** @param perS of each side, from now on */
  setRate(perS: number): void
  /** Since the last call. */
  take(side: 'baseline' | 'canary'): ReplayCounts
}

const TICK_MS = 100
const ANSWER_TIMEOUT_MS = 5_000
/** A side that does not answer must not pile up what is asked of it. */
const UNDER_WAY_MAX = 64
const CONNECTIONS = 8

const nothing = (): ReplayCounts => ({ asked: 0, broken: 0, timeouts: 0, different: 0 })

/** Begins with a rate of none. */
export function startReplay({ ports, requests, onStale }: ReplayOptions): Replay {
  const agents = { baseline: createAgent(), canary: createAgent() }
  const counts = { baseline: nothing(), canary: nothing() }
  let [ratePerS, due, turn, underWay] = [0, 0, 0, 0]

  async function ask(side: 'baseline' | 'canary', url: string): Promise<number | 'broken' | 'timeouts'> {
    const answer = await send(agents[side], ports[side], url)
    counts[side].asked += 1
    if (typeof answer === 'string') counts[side][answer] += 1
    return answer
  }
  async function askBoth(golden: GoldenRequest): Promise<void> {
    underWay += 1
    const [old, fresh] = await Promise.all([ask('baseline', golden.url), ask('canary', golden.url)])
    underWay -= 1
    if (old === golden.status && isTellingDifference(fresh, old)) counts.canary.different += 1
    if (typeof old === 'number' && old < 500 && old !== golden.status && old === fresh) onStale(golden)
  }

  const timer = setInterval(() => {
    due = Math.min(due + (ratePerS * TICK_MS) / 1_000, ratePerS)
    const list = requests()
    for (; due >= 1 && underWay < UNDER_WAY_MAX && list.length > 0; due--)
      void askBoth(list[turn++ % list.length]!)
  }, TICK_MS)
  return {
    setRate(perS) {
      ratePerS = perS
    },
    take(side) {
      const taken = counts[side]
      counts[side] = nothing()
      return taken
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

/** 429 and 304 depend on what was asked before. */
const isTellingDifference = (fresh: number | string, old: number): boolean =>
  typeof fresh === 'number' && fresh < 500 && fresh !== old && fresh !== 429 && fresh !== 304

const createAgent = () => new Agent({ keepAlive: true, maxSockets: CONNECTIONS })

/** @returns the status once the whole answer was read */
function send(agent: Agent, port: number, path: string): Promise<number | 'broken' | 'timeouts'> {
  return new Promise((resolve) => {
    const asked = request(
      {
        agent,
        host: '127.0.0.1',
        port,
        path,
        headers: { host: 'localhost', priority: 'u=7' },
      },
      (response) => {
        response.on('error', () => resolve('broken'))
        response.on('end', () => resolve(response.statusCode ?? 0)).resume()
      },
    )
    const timer = setTimeout(() => {
      resolve('timeouts')
      asked.destroy()
    }, ANSWER_TIMEOUT_MS)
    asked.on('close', () => clearTimeout(timer)).on('error', () => resolve('broken'))
    asked.end()
  })
}
