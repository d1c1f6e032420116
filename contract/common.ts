/** Shapes that several parts of the API share: ids, handles, pages and times. */
import { z } from 'zod'

/** A UUID made by the application (version 7, so that ids sort by the time they were made). */
export const Id = z.uuid()

/** An instant, ISO 8601 in UTC. */
export const Instant = z.iso.datetime()

export const HANDLE_MIN_LENGTH = 3
export const HANDLE_MAX_LENGTH = 24
/** How an account is addressed: letters, digits, `_` and `.`, beginning and ending with a letter or digit. */
export const Handle = z
  .string()
  .min(HANDLE_MIN_LENGTH)
  .max(HANDLE_MAX_LENGTH)
  .regex(/^[a-zA-Z0-9](?:[a-zA-Z0-9_.]*[a-zA-Z0-9])?$/, {
    error: 'Use letters, digits, "_" and ".", beginning and ending with a letter or a digit.',
  })

export const PAGE_DEFAULT_LIMIT = 20
export const PAGE_MAX_LIMIT = 50

/** What every list takes: where to go on, and how many at most. */
export const PageQuery = z.object({
  cursor: z.string().max(512).optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX_LIMIT).default(PAGE_DEFAULT_LIMIT),
})
export type PageQuery = z.infer<typeof PageQuery>

/** One page of a list. `nextCursor` is null only at the true end. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}
