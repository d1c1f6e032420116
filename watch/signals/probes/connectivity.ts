/**
 * Whether this place has a connection of its own. A check that fails while it has none says nothing of its target.
 */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import type { Clock } from '../../../kit/clock.ts'
import { askReference } from './reference.ts'

export interface Connectivity {
  /** Whether the Internet can be reached from here; asked again after at most `FRESH_MS`. */
  isOnline(): Promise<boolean>
  /** The last answer, without asking; null: never asked. */
  lastKnown(): boolean | null
  /** A check of a public target worked: nobody has to be asked. */
  noteSuccess(): void
}

export interface ConnectivityOptions {
  /** `host:port` of servers that answer when anything does. Empty: the machine's route alone decides. */
  readonly references: readonly string[]
  readonly clock: Clock
}

const FRESH_MS = 3_000

/** Makes a check of the own connection. It asks nobody until it has to. */
export function createConnectivity({ references, clock }: ConnectivityOptions): Connectivity {
  let answer: boolean | null = null
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<boolean> | null = null

  async function ask(): Promise<boolean> {
    answer = references.length > 0 ? await anyAnswers(references) : await hasWayOut()
    askedAtMs = clock.monotonicMs()
    asking = null
    return answer
  }

  return {
    isOnline() {
      if (answer !== null && clock.monotonicMs() - askedAtMs < FRESH_MS) return Promise.resolve(answer)
      asking ??= ask()
      return asking
    },
    lastKnown: () => answer,
    noteSuccess() {
      answer = true
      askedAtMs = clock.monotonicMs()
    },
  }
}

async function anyAnswers(references: readonly string[]): Promise<boolean> {
  try {
    await Promise.any(references.map((one) => askReference(one)))
    return true
  } catch {
    return false
  }
}

/** A default route, where the kernel tells; else any address beyond this machine. */
async function hasWayOut(): Promise<boolean> {
  const [v4, v6] = await Promise.all([
    readFile('/proc/net/route', 'utf8').catch(() => null),
    readFile('/proc/net/ipv6_route', 'utf8').catch(() => null),
  ])
  if (v4 === null && v6 === null)
    return Object.values(networkInterfaces()).some((list) => list?.some(({ internal }) => !internal))
  const hasV4 = (v4 ?? '').split('\n').some((line) => line.split('\t')[1] === '00000000')
  const hasV6 = (v6 ?? '')
    .split('\n')
    .some((line) => line.startsWith('00000000000000000000000000000000 00 ') && !/\blo$/.test(line.trim()))
  return hasV4 || hasV6
}
