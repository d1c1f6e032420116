/** Limits of the contract that forms show. The types make the compiler refuse a value that differs from it. */
import type { Limit } from './types.ts'

export const PASSWORD_MIN_LENGTH: Limit<'PASSWORD_MIN_LENGTH'> = 8
export const PASSWORD_MAX_LENGTH: Limit<'PASSWORD_MAX_LENGTH'> = 256
export const NAME_MAX_LENGTH: Limit<'NAME_MAX_LENGTH'> = 50
export const BIO_MAX_LENGTH: Limit<'BIO_MAX_LENGTH'> = 300
export const HANDLE_MIN_LENGTH: Limit<'HANDLE_MIN_LENGTH'> = 3
export const HANDLE_MAX_LENGTH: Limit<'HANDLE_MAX_LENGTH'> = 24
export const PICTURE_MAX_BYTES = 5 * 1024 * 1024
export const COMMENT_MAX_LENGTH: Limit<'COMMENT_MAX_LENGTH'> = 1000
export const CAPTION_MAX_LENGTH: Limit<'CAPTION_MAX_LENGTH'> = 2200
export const TAGS_MAX: Limit<'TAGS_MAX'> = 30
export const UPDATES_MAX_VIDEOS: Limit<'UPDATES_MAX_VIDEOS'> = 10
