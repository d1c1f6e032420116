/** Who signs in from an address of their own, as a proxy would tell it: people, and those who try lists of passwords. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { solveWork } from '../../support/solve-work.ts'

/** The product has to trust the word of this machine on addresses: start it with these. */
export const TOLD_ADDRESSES = { TRUSTED_PROXIES: '127.0.0.1' } as const

export interface SignInTry {
  readonly identifier: string
  readonly password: string
  readonly address: string
  /** Of a known device. */
  readonly cookie?: string
}

export interface SignInOutcome {
  readonly status: number
  /** Of the problem; null: signed in. */
  readonly code: string | null
  /** Thread time of the one who tries, in solving what was asked. */
  readonly workedMs: number
}

/** What the one who tries is ready to pay. */
export interface Purse {
  /** Milliseconds of solving that are left: what it does not reach is not solved. */
  leftMs: number
}

/** Tries once, and does the work that is asked as far as the purse goes. @throws when there is no answer */
export async function trySignIn(url: string, input: SignInTry, purse: Purse): Promise<SignInOutcome> {
  const first = await send(url, input)
  if (first.code !== 'work-needed' || purse.leftMs <= 0) return { ...first, workedMs: 0 }
  const began = process.cpuUsage()
  const work = solveWork(first.challenge!)
  const { user, system } = process.cpuUsage(began)
  const workedMs = (user + system) / 1_000
  purse.leftMs -= workedMs
  await sleep(first.waitMs)
  const second = await send(url, input, work)
  return { status: second.status, code: second.code, workedMs }
}

async function send(url: string, { identifier, password, address, cookie }: SignInTry, work?: string) {
  const response = await fetch(`${url}/api/v1/sessions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-forwarded-for': address,
      ...(cookie !== undefined && { cookie }),
    },
    body: JSON.stringify({ identifier, password, ...(work !== undefined && { work }) }),
    signal: AbortSignal.timeout(30_000),
  })
  const body = (await response.json()) as {
    code?: string
    facts?: { challenge?: string; waitMs?: number }
  }
  return {
    status: response.status,
    code: response.ok ? null : (body.code ?? 'unknown'),
    challenge: body.facts?.challenge,
    waitMs: body.facts?.waitMs ?? 0,
  }
}

export interface Resident {
  readonly handle: string
  readonly password: string
  readonly address: string
  /** What the browser in which they signed up keeps after signing out. */
  readonly deviceCookies: string
}

/** Signs somebody up from an address of their own. */
async function settle(url: string, number: number, password?: string): Promise<Resident> {
  const handle = `resident_${randomUUID().slice(0, 8)}`
  const address = `10.1.${number >> 8}.${number & 255}`
  const chosen = password ?? `the password of ${handle}`
  const response = await fetch(`${url}/api/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
    body: JSON.stringify({ handle, password: chosen }),
  })
  if (!response.ok) throw new Error(`sign-up: ${response.status} ${await response.text()}`)
  const cookies = response.headers.getSetCookie().map((told) => told.split(';')[0]!)
  const deviceCookies = cookies.filter((each) => !each.startsWith('upbeat.session_token=')).join('; ')
  return { handle, password: chosen, address, deviceCookies }
}

/** Addresses of a botnet: no two in one /24 before there are 16 million. */
export const addressOfBot = (n: number): string =>
  `${20 + ((n >> 16) & 127)}.${(n >> 8) & 255}.${n & 255}.${1 + (n % 250)}`

export interface ListedPair {
  readonly identifier: string
  readonly password: string
  readonly isValid: boolean
}

/** A list in which so many pairs are good, evenly spread from a place that `start` (0 to 1) names; names nobody has else. */
export function makeList(count: number, valid: readonly Resident[], start: number): ListedPair[] {
  const list: ListedPair[] = Array.from({ length: count }, (_, n) => ({
    identifier: `leaked.${n}@example.org`,
    password: `leaked password ${n}`,
    isValid: false,
  }))
  valid.forEach(({ handle: identifier, password }, at) => {
    list[Math.floor(((at + start) * count) / valid.length)] = { identifier, password, isValid: true }
  })
  return list
}

/** Several, one after the other, at addresses from this one on. */
export async function settleMany(
  url: string,
  count: number,
  from: number,
  password?: string,
): Promise<Resident[]> {
  const settled: Resident[] = []
  for (let n = 0; n < count; n++) settled.push(await settle(url, from + n, password))
  return settled
}

/** Works through all of them in their order, so many at once. */
export async function inParallel<T>(
  atOnce: number,
  items: readonly T[],
  work: (item: T, at: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) await work(items[at]!, at)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
