/** Conditional and range requests (RFC 9110, sections 13 and 14), over what has a strong ETag and a known size. */
import type { BlobRange } from '../../infra/blobs/index.ts'

export interface Conditions {
  readonly ifNoneMatch?: string | undefined
  readonly ifRange?: string | undefined
  readonly range?: string | undefined
}

export type Verdict =
  | { readonly kind: 'whole' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'part'; readonly range: BlobRange }
  | { readonly kind: 'unsatisfiable' }

/**
 * What to answer. `If-None-Match` comes before `Range` (13.2.2). Several ranges, other units and malformed ones are
 * answered whole, as 14.2 allows; so is a range whose `If-Range` is not this very ETag.
 */
export function judgeConditions(request: Conditions, etag: string, sizeBytes: number): Verdict {
  if (request.ifNoneMatch !== undefined && matchesEtag(request.ifNoneMatch, etag))
    return { kind: 'unchanged' }
  if (request.range === undefined) return { kind: 'whole' }
  if (request.ifRange !== undefined && request.ifRange.trim() !== etag) return { kind: 'whole' }
  return judgeRange(request.range, sizeBytes)
}

/** 13.1.2: compared weakly; `*` matches whatever is there. */
function matchesEtag(header: string, etag: string): boolean {
  return header.split(',').some((candidate) => {
    const text = candidate.trim()
    return text === '*' || text === etag || text === `W/${etag}`
  })
}

const RANGE = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i

function judgeRange(header: string, sizeBytes: number): Verdict {
  const match = RANGE.exec(header)
  if (!match || (match[1] === '' && match[2] === '')) return { kind: 'whole' }
  const [first, last] = [match[1]!, match[2]!]
  if (first === '') {
    // 14.1.2: the last N bytes; none of them, or of nothing, can't be had.
    const count = Math.min(Number(last), sizeBytes)
    if (count === 0) return { kind: 'unsatisfiable' }
    return { kind: 'part', range: { start: sizeBytes - count, end: sizeBytes - 1 } }
  }
  const start = Number(first)
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  if (last !== '' && Number(last) < start) return { kind: 'whole' }
  return start < sizeBytes ? { kind: 'part', range: { start, end } } : { kind: 'unsatisfiable' }
}
