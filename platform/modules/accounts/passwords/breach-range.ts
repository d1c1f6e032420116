/**
 * Asks a service whether a password has leaked without telling it which (k-anonymity: the first five hex digits of its SHA-1 go
 * out, all suffixes with them come back; haveibeenpwned.com/API/v3#SearchingPwnedPasswordsByRange).
 */
import { readBounded } from '../../../../kit/http/read-bounded.ts'
import type { Log } from '../../../../kit/log.ts'

const TIMEOUT_MS = 1_500
const PREFIX_CHARS = 5
/** Some 900 lines of 40 bytes; padded ones are less than twice as long. */
const ANSWER_MAX_BYTES = 512 * 1024
/** After a failure nobody waits for it again so soon. */
const PAUSE_MS = 60_000

export interface BreachRange {
  /** Null: it could not be asked. */
  has(sha1: Buffer): Promise<boolean | null>
}

/** @param options.url up to the prefix, such as `https://api.pwnedpasswords.com/range/` */
export function createBreachRange({
  url,
  log,
  nowMs = () => performance.now(),
}: {
  readonly url: string
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly nowMs?: () => number
}): BreachRange {
  let pausedUntilMs = -Infinity
  let isAnswering = true
  return {
    async has(sha1) {
      if (nowMs() < pausedUntilMs) return null
      const hex = sha1.toString('hex').toUpperCase()
      try {
        const lines = await readRange(url + hex.slice(0, PREFIX_CHARS))
        if (!isAnswering) log.info({}, 'accounts.breach-range-answers')
        isAnswering = true
        return isListed(lines, hex.slice(PREFIX_CHARS))
      } catch (error) {
        pausedUntilMs = nowMs() + PAUSE_MS
        // An instance without the Internet is warned of it once, not at each sign-up.
        log[isAnswering ? 'warn' : 'info']({ err: error }, 'accounts.breach-range-unanswered')
        isAnswering = false
        return null
      }
    },
  }
}

async function readRange(url: string): Promise<string> {
  const response = await fetch(url, {
    // Padded, so that the length of the answer does not tell which prefix was asked for.
    headers: { 'add-padding': 'true', 'user-agent': 'upbeat' },
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: 'error',
  })
  if (!response.ok || !response.body) throw new Error(`The range service answered ${response.status}.`)
  return (await readBounded(response.body, ANSWER_MAX_BYTES)).toString('latin1')
}

/** Padding has a count of 0. */
function isListed(lines: string, suffix: string): boolean {
  for (const line of lines.split('\n')) {
    const [listed, count] = line.trim().split(':')
    if (listed?.toUpperCase() === suffix) return Number(count) > 0
  }
  return false
}
