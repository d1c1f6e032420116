/** What a command is given. */

export interface Arguments {
  readonly operands: readonly string[]
  readonly dataDir: string | undefined
  readonly isJson: boolean
  readonly url: string | undefined
  readonly keyFile: string | undefined
  readonly isVerify: boolean
  readonly isIntoEmpty: boolean
  readonly reason: string | undefined
  /** A time such as 30m. */
  readonly for: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  readonly text: string | undefined
  readonly level: string | undefined
  readonly last: string | undefined
  /** Until what was ordered has ended. */
  readonly isWait: boolean
  readonly isDespiteProblems: boolean
  readonly port: string | undefined
  /** Addresses of metrics. */
  readonly canary: string | undefined
  readonly baseline: string | undefined
}

/** Does its work; the answer is the exit code. */
export type Command = (given: Arguments) => Promise<number>

/** Wrong arguments; the message says which. */
export class UsageError extends Error {}
