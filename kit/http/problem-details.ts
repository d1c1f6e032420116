/** Errors that say what failed, whose side it is on, whether the work is kept and what to do next (RFC 9457). */

/** One line of a process's table of errors. */
export interface ProblemKind {
  readonly status: number
  readonly side: 'you' | 'us' | 'network'
  readonly title: string
  /** Null when there was nothing to keep. */
  readonly isWorkKept: boolean | null
  readonly next: string
}

/** What one occurrence adds to, or says instead of, its line in the table. */
export interface ProblemDetails {
  readonly detail?: string
  readonly isWorkKept?: boolean | null
  readonly next?: string
  readonly retryAfterS?: number
  /** Input field → what is wrong with it. */
  readonly fields?: Record<string, string>
  /** Facts behind the detail, for programs. */
  readonly facts?: Record<string, string | number | boolean | null>
  readonly cause?: unknown
}

/** The body of `application/problem+json`. */
export interface ProblemBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly side: ProblemKind['side']
  readonly isWorkKept: boolean | null
  readonly next: string
  readonly retryAfterS?: number
  readonly fields?: Record<string, string>
  readonly facts?: Record<string, string | number | boolean | null>
  readonly requestId?: string
}

/** An error of a table: its code is stable. A process makes its own subclass, bound to its own table. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code
  readonly kind: ProblemKind
  readonly details: ProblemDetails

  constructor(kinds: Readonly<Record<Code, ProblemKind>>, code: Code, details: ProblemDetails) {
    super(details.detail ?? kinds[code].title, { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.kind = kinds[code]
    this.details = details
  }

  get status(): number {
    return this.kind.status
  }
}

/** Renders an error as problem details. */
export function toProblemBody(error: CodedError<string>, requestId?: string): ProblemBody {
  const { kind } = error
  const { detail, isWorkKept, next, retryAfterS, fields, facts } = error.details
  return {
    type: `/api/v1/problems#${error.code}`,
    title: kind.title,
    status: kind.status,
    detail: detail ?? `${kind.title}.`,
    code: error.code,
    side: kind.side,
    isWorkKept: isWorkKept === undefined ? kind.isWorkKept : isWorkKept,
    next: next ?? kind.next,
    ...(retryAfterS !== undefined && { retryAfterS }),
    ...(fields && { fields }),
    ...(facts && { facts }),
    ...(requestId && { requestId }),
  }
}
