/** Looks from another place: asks a watch what to check, checks it, and says what it saw. It connects outwards only. */
import type { Log } from '../../kit/log.ts'
import { startRepeating } from '../../kit/repeat.ts'
import type { Monitor } from '../configuration/index.ts'
import { createJourneyRunner, givenAccount, type GivenAccount } from '../signals/journeys/index.ts'
import {
  createConnectivity,
  createNetworkRunners,
  createSchedule,
  runCheck,
  watchStalls,
  type CheckContext,
  type CheckRunners,
  type CheckTools,
} from '../signals/probes/index.ts'
import { createBacklog, type AgentResult } from './backlog.ts'
import { createLine, type WatchAddress } from './line-to-watch.ts'
import { AgentWork, RESULTS_PATH, WORK_PATH, type AgentResults } from './protocol.ts'

export interface AgentOptions extends WatchAddress {
  readonly region: string | null
  readonly connectivity: readonly string[]
  readonly log: Log
  /** Whether checks may go to private addresses here, where the monitor allows it, too. @default false */
  readonly allowPrivate?: boolean
  /** The account that journeys travel with; null: no journey is made here. @default null */
  readonly journeyAccount?: GivenAccount | null
  /** How often what was seen is sent. @default 2000 */
  readonly sendEveryMs?: number
  /** How often work is asked for. @default 30000 */
  readonly askEveryMs?: number
}

const SEND_EVERY_MS = 2_000
const ASK_EVERY_MS = 30_000

/** Runs until it is disposed. A watch that can't be reached is asked again; meanwhile the last work goes on. */
export function startAgent(options: AgentOptions): AsyncDisposable {
  const { clock, log } = options
  const stalls = watchStalls(clock)
  const tools: CheckTools = {
    clock,
    stalls,
    connectivity: createConnectivity({ references: options.connectivity, clock }),
    runners: createRunners(options),
  }
  const say = createLine(options)
  const schedule = createSchedule(clock)
  const backlog = createBacklog(clock)

  async function askForWork(): Promise<void> {
    const { services } = AgentWork.parse(JSON.parse(await say(WORK_PATH, {})))
    schedule.set(
      services.flatMap(({ id: serviceId, monitors }) =>
        monitors
          .filter((monitor) => canMake(monitor, options.journeyAccount))
          .map((monitor) => ({
            key: `${serviceId}/${monitor.id}`,
            everyMs: monitor.everyS * 1_000,
            againMs: monitor.retryS * 1_000,
            run: async (signal: AbortSignal) => {
              const seen = await look(monitor, { serviceId, signal }, tools)
              if (signal.aborted) return false
              backlog.add(seen)
              return seen.outcome === 'failed'
            },
          })),
      ),
    )
  }

  const asking = startRepeating({
    intervalMs: options.askEveryMs ?? ASK_EVERY_MS,
    work: askForWork,
    onError: (error) => log.warn({ err: error }, 'agent.no-work'),
  })
  const sending = startRepeating({
    intervalMs: options.sendEveryMs ?? SEND_EVERY_MS,
    work: () =>
      backlog.tellAll((results) =>
        say(RESULTS_PATH, { region: options.region, results: [...results] } satisfies AgentResults),
      ),
    onError: (error) => log.warn({ err: error, waiting: backlog.size }, 'agent.not-sent'),
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

/** The checks that this place makes, as far as its own operator lets it go. */
function createRunners({ clock, allowPrivate = false, journeyAccount }: AgentOptions): CheckRunners {
  const limits = { allowPrivate }
  return {
    ...createNetworkRunners(clock, limits),
    ...(journeyAccount && { journey: createJourneyRunner(clock, givenAccount(journeyAccount), limits) }),
  }
}

/** Journeys lead only to the instance that the account was given for. */
function canMake(monitor: Monitor, journeyAccount: AgentOptions['journeyAccount']): boolean {
  return monitor.type !== 'journey' || new URL(monitor.url).origin === journeyAccount?.origin
}

/** Makes one check. Never throws. */
async function look(monitor: Monitor, context: CheckContext, tools: CheckTools): Promise<AgentResult> {
  const result = await runCheck(monitor, context, tools)
  return {
    ...result,
    serviceId: context.serviceId,
    monitorId: monitor.id,
    atMs: tools.clock.now().getTime(),
    phases: { ...result.phases },
  }
}
