/** Limits of the contract that only the upload page needs. */
import type { Limit } from '#lib/api/types.ts'

export const TAG_MAX_LENGTH: Limit<'TAG_MAX_LENGTH'> = 64
