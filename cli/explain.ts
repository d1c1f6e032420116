/** What a person reads when a command could not do its work. */
import { CodedError } from '../kit/http/problem-details.ts'
import { UsageError } from './arguments.ts'

const CANCELLED_EXIT_CODE = 130

/** Errors that say by themselves all that the person needs, by name: their modules need not be loaded for this. */
const EXPLAINED = new Set([
  'ConfigError',
  'AlreadyRunningError',
  'NotRunningError',
  'SilentSupervisorError',
  'DataDirError',
  'FolderBlockedError',
])

/**
 * Explains the error on standard error.
 *
 * @param command which was given; null: none, or one that there is not
 * @returns the exit code
 */
export function explain(error: unknown, usage: string, command: string | null): number {
  if (error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')) {
    console.error(`${(error as Error).message}\n${usageOf(usage, command)}`)
    return 2
  }
  if (error instanceof CodedError) {
    const { kind, details } = error as CodedError<string>
    console.error(`${kind.title}.${details.detail ? ` ${details.detail}` : ''}\n${details.next ?? kind.next}`)
    return 1
  }
  if (error instanceof Error && error.name === 'AbortError') {
    console.error('Cancelled. Nothing has been changed.')
    return CANCELLED_EXIT_CODE
  }
  const isExplained = error instanceof Error && EXPLAINED.has(error.constructor.name)
  console.error(isExplained ? error.message : error)
  return 1
}

/** The lines about that command, so that the reason above them stays on the screen. */
function usageOf(usage: string, command: string | null): string {
  const [head, ...lines] = usage.split('\n')
  const begins = new RegExp(`(^ {2}|\\| )${command}\\b`)
  let isAbout = false
  const about = lines.filter((line) => {
    if (/^ {2}\S/.test(line)) isAbout = command !== null && begins.test(line)
    return isAbout
  })
  return [head, ...about, 'All commands: upbeat --help'].join('\n')
}
