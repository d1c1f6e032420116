/** Looks from another place: asks a watch what to check, checks it, and says what it saw. It connects outwards only. */
import { randomBytes } from 'node:crypto'
import { sendGuarded } from '../../kit/guarded-request.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Log } from '../../kit/log.ts'
import { startRepeating } from '../../kit/repeat.ts'
import type { Monitor } from '../configuration/index.ts'
import { signMessage, type SigningKey } from '../http/signature.ts'
import { createJourneyRunner, givenAccount, type GivenAccount } from '../signals/journeys/index.ts'
import {
  createConnectivity,
  createNetworkRunners,
  createSchedule,
  runCheck,
  watchStalls,
  type CheckTools,
} from '../signals/probes/index.ts'
import { AgentWork, RESULTS_PATH, WORK_PATH, type AgentResults } from './protocol.ts'

export interface AgentOptions {
  /** The watch's address. */
  readonly watchUrl: string
  readonly keyId: string
  readonly key: SigningKey
  readonly region: string | null
  readonly connectivity: readonly string[]
  readonly clock: Clock
  readonly log: Log
  /** Whether checks may go to private addresses here, where the monitor allows it, too. @default false */
  readonly allowPrivate?: boolean
  /** The account that journeys travel with; null: no journey is made here. @default null */
  readonly journeyAccount?: GivenAccount | null
  /** How often what was seen is sent. @default 2000 */
  readonly sendEveryMs?: number
  /** How often work is asked for; the watch's wish counts when it is longer. @default 30000 */
  readonly askEveryMs?: number
}

const SEND_EVERY_MS = 2_000
const ASK_EVERY_MS = 30_000
const TIMEOUT_MS = 10_000
/** What could not be sent is kept for so long; older results tell the watch nothing. */
const KEPT_MS = 4 * 60_000
const MAX_KEPT = 20_000
const PER_MESSAGE = 500
const WORK_MAX_BYTES = 32 * 1024 * 1024

type Result = AgentResults['results'][number]

/** Runs until it is disposed. A watch that can't be reached is asked again; meanwhile the last work goes on. */
export function startAgent(options: AgentOptions): AsyncDisposable {
  const { clock, log, allowPrivate = false, journeyAccount = null } = options
  const limits = { allowPrivate }
  const stalls = watchStalls(clock)
  const tools: CheckTools = {
    clock,
    stalls,
    connectivity: createConnectivity({ references: options.connectivity, clock }),
    runners: {
      ...createNetworkRunners(clock, limits),
      ...(journeyAccount && { journey: createJourneyRunner(clock, givenAccount(journeyAccount), limits) }),
    },
  }
  const schedule = createSchedule(clock)
  const waiting: Result[] = []

  async function say(path: string, body: unknown): Promise<string> {
    const bytes = Buffer.from(JSON.stringify(body))
    const url = new URL(path, options.watchUrl)
    const signed = signMessage(
      options.keyId,
      options.key,
      { method: 'POST', path: url.pathname, body: bytes },
      { nowMs: clock.now().getTime(), nonce: randomBytes(18).toString('base64url') },
    )
    const answer = await sendGuarded({
      url: url.href,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signed },
      body: bytes,
      timeoutMs: TIMEOUT_MS,
      maxBodyBytes: WORK_MAX_BYTES,
      // Whoever starts the agent says where its watch is.
      allowPrivate: true,
    })
    const text = answer.body.toString('utf8')
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`The watch answers ${answer.status}: ${text.slice(0, 300)}`)
    return text
  }

  async function askForWork(): Promise<void> {
    const work = AgentWork.parse(JSON.parse(await say(WORK_PATH, {})))
    schedule.set(
      work.services.flatMap(({ id: serviceId, monitors }) =>
        monitors.filter(canMake).map((monitor) => ({
          key: `${serviceId}/${monitor.id}`,
          everyMs: monitor.everyS * 1_000,
          againMs: monitor.retryS * 1_000,
          run: async (signal: AbortSignal) => {
            const result = await runCheck(monitor, { serviceId, signal }, tools)
            if (signal.aborted) return false
            waiting.push({
              ...result,
              serviceId,
              monitorId: monitor.id,
              atMs: clock.now().getTime(),
              phases: { ...result.phases },
            })
            return result.outcome === 'failed'
          },
        })),
      ),
    )
  }

  /** Journeys lead only to the instance that the account was given for. */
  function canMake(monitor: Monitor): boolean {
    return monitor.type !== 'journey' || new URL(monitor.url).origin === journeyAccount?.origin
  }

  async function sendResults(): Promise<void> {
    const nowMs = clock.now().getTime()
    waiting.splice(0, Math.max(0, waiting.length - MAX_KEPT))
    while (waiting.length > 0 && nowMs - waiting[0]!.atMs > KEPT_MS) waiting.shift()
    while (waiting.length > 0) {
      const part = waiting.slice(0, PER_MESSAGE)
      await say(RESULTS_PATH, { region: options.region, results: part } satisfies AgentResults)
      waiting.splice(0, part.length)
    }
  }

  const asking = startRepeating({
    intervalMs: options.askEveryMs ?? ASK_EVERY_MS,
    work: askForWork,
    onError: (error) => log.warn({ err: error }, 'agent.no-work'),
  })
  const sending = startRepeating({
    intervalMs: options.sendEveryMs ?? SEND_EVERY_MS,
    work: sendResults,
    onError: (error) => log.warn({ err: error, waiting: waiting.length }, 'agent.not-sent'),
  })
  return {
    async [Symbol.asyncDispose]() {
      await asking[Symbol.asyncDispose]()
      await schedule[Symbol.asyncDispose]()
      await sending[Symbol.asyncDispose]()
      stalls[Symbol.dispose]()
    },
  }
}
