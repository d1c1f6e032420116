/** What a command is given. */

export interface Arguments {
  readonly operands: readonly string[]
  readonly dataDir: string | undefined
  readonly isJson: boolean
  readonly url: string | undefined
  readonly keyFile: string | undefined
  readonly isVerify: boolean
  readonly isIntoEmpty: boolean
}

/** Does its work; the answer is the exit code. */
export type Command = (given: Arguments) => Promise<number>

/** Wrong arguments; the message says which. */
export class UsageError extends Error {}
