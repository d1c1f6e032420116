/** What an agent and its watch say to each other; every message is signed. */
import { z } from 'zod'
import { PROBE_FAILURES } from '../../engines/detect/index.ts'
import { Monitor } from '../configuration/index.ts'

export const WORK_PATH = '/api/v1/agents/work'
export const RESULTS_PATH = '/api/v1/agents/results'

/** What to check, asked for again and again. */
export const AgentWork = z.object({
  services: z.array(z.object({ id: z.string(), monitors: z.array(Monitor) })),
  /** How soon to ask again. */
  againInS: z.number().min(1).max(3_600),
})
export type AgentWork = z.infer<typeof AgentWork>

export const AgentResults = z.object({
  /** The region that the place stands for; one that a service doesn't have counts as none. */
  region: z.string().max(63).nullable(),
  results: z
    .array(
      z.object({
        serviceId: z.string().max(63),
        monitorId: z.string().max(63),
        atMs: z.number().int(),
        outcome: z.enum(['ok', 'failed', 'blind', 'error']),
        failure: z.enum(PROBE_FAILURES).nullable(),
        detail: z.string().max(500),
        durationMs: z.number().min(0).max(600_000).nullable(),
        phases: z.record(z.string().max(40), z.number().min(0).max(600_000)).default({}),
      }),
    )
    .max(1_000),
})
export type AgentResults = z.infer<typeof AgentResults>
