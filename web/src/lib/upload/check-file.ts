/** Whether a file may be sent, said before its first byte goes. */
import type { UploadLimits } from '#lib/api/types.ts'
import { formatDuration } from '#lib/i18n/format.ts'
import { formatBytes } from '#lib/i18n/format-more.ts'
import { t } from './texts.ts'

export interface FileFacts {
  readonly name: string
  readonly sizeBytes: number
  /** As the device names it; often empty. */
  readonly mediaType: string
  /** Null where this device can't tell. */
  readonly durationMs: number | null
  /** Of the picture as it is shown; null where this device can't tell. */
  readonly shortEdgePx: number | null
}

export interface Refusal {
  readonly code:
    | 'empty'
    | 'wrong-type'
    | 'too-large'
    | 'no-space'
    | 'too-long'
    | 'too-detailed'
    | 'other-file'
  readonly reason: string
  readonly next: string
}

/** Endings of film files whose media type some devices don't know. */
const FILM_NAME = /\.(mp4|m4v|mov|qt|webm|mkv|avi|3gp|3g2|mpe?g|m2ts|mts|ts|ogv|wmv|flv)$/i

/** Why a file can't be sent, or null. What isn't known is left to the server to judge. */
export function refuseFile(file: FileFacts, limits: UploadLimits): Refusal | null {
  if (file.sizeBytes === 0) return refusal('empty', {})
  if (!isFilm(file, limits.acceptedTypes)) return refusal('wrong-type', { type: nameOfType(file) })
  if (file.sizeBytes > limits.maxSizeBytes) {
    return refusal('too-large', { size: formatBytes(file.sizeBytes), max: formatBytes(limits.maxSizeBytes) })
  }
  if (file.durationMs !== null && file.durationMs > limits.maxDurationS * 1000) {
    return refusal('too-long', {
      length: formatDuration(file.durationMs),
      max: formatDuration(limits.maxDurationS * 1000),
    })
  }
  if (file.shortEdgePx !== null && file.shortEdgePx > limits.maxShortEdgePx) {
    return refusal('too-detailed', { edge: file.shortEdgePx, max: limits.maxShortEdgePx })
  }
  if (file.sizeBytes > limits.availableBytes) {
    return refusal('no-space', {
      size: formatBytes(file.sizeBytes),
      free: formatBytes(limits.availableBytes),
    })
  }
  return null
}

/** For a file that is to continue an upload which was begun with another one of the same size. */
export const refuseOtherFile = (chosen: string, name: string): Refusal =>
  refusal('other-file', { chosen, name })

/** What to say of a file that can't continue an upload. */
export function wordsForOtherFile(
  file: Pick<File, 'name' | 'size'>,
  name: string,
  sizeBytes: number,
): string {
  if (file.size === sizeBytes) return t('refuse.other-file.reason', { chosen: file.name, name })
  const [chosenSize, size] = [formatBytes(file.size), formatBytes(sizeBytes)]
  return t('unfinished.wrongFile', { chosen: file.name, chosenSize, name, size })
}

/** Whether a file is of an accepted type; a file that its device can't name is judged by its ending. */
export function isFilm(
  file: Pick<FileFacts, 'name' | 'mediaType'>,
  acceptedTypes: readonly string[],
): boolean {
  if (!file.mediaType || file.mediaType === 'application/octet-stream') return FILM_NAME.test(file.name)
  const isNamed = acceptedTypes.some((accepted) =>
    accepted.endsWith('/*') ? file.mediaType.startsWith(accepted.slice(0, -1)) : accepted === file.mediaType,
  )
  // The ending counts too: a device may name a film in its own way ("video/x-matroska", "video/mp2t").
  return isNamed || (file.mediaType.startsWith('video/') && FILM_NAME.test(file.name))
}

function nameOfType(file: FileFacts): string {
  const ending = /\.[^.\s]{1,8}$/.exec(file.name)?.[0]
  return ending ?? (file.mediaType || file.name)
}

function refusal(code: Refusal['code'], params: Record<string, string | number>): Refusal {
  const facts = {
    type: '',
    size: '',
    max: '',
    length: '',
    edge: '',
    free: '',
    chosen: '',
    name: '',
    ...params,
  }
  return { code, reason: t(`refuse.${code}.reason`, facts), next: t(`refuse.${code}.next`) }
}
