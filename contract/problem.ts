/** Errors as a person and a program read them: RFC 9457 problem details with four answers of our own. */
import { z } from 'zod'

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  /** Stable, kebab-case; listed at /api/v1/problems. */
  code: z.string(),
  /** Whose side it is on. */
  side: z.enum(['you', 'us', 'network']),
  /** Whether what the person did is kept; null when there was nothing to keep. */
  isWorkKept: z.boolean().nullable(),
  /** What to do next, in one sentence. */
  next: z.string(),
  retryAfterS: z.number().optional(),
  /** Input field → what is wrong with it. */
  fields: z.record(z.string(), z.string()).optional(),
  /** Facts behind the detail, for programs (limits, offsets …). */
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  requestId: z.string().optional(),
})
export type Problem = z.infer<typeof Problem>
