/** Signing in for journeys: sessions that are shared and renewed, with the account that a source knows. */
import type { Clock } from '../../../kit/clock.ts'
import type { MonitorOf } from '../../configuration/index.ts'
import { ownFault } from '../probes/index.ts'
import { JourneyError, journeyFailure, type Traveller } from './traveller.ts'

export interface JourneyAccount {
  readonly handle: string
  readonly password: string
}

/** Where the accounts of journeys come from. */
export interface AccountSource {
  /** The account at this instance; null: none is known. */
  find(origin: string): JourneyAccount | null
  /** Signs the traveller up and keeps the account; null: accounts are given by a person, and none is made. */
  readonly make: ((traveller: Traveller) => Promise<void>) | null
}

export interface JourneyAccounts {
  /** Signs the traveller in: by the session that is kept, else by signing in, else by making the account. */
  enter(traveller: Traveller, monitor: MonitorOf<'journey'>): Promise<void>
  /** Signs in anew, whatever session is kept. */
  signIn(traveller: Traveller, monitor: MonitorOf<'journey'>): Promise<void>
  /** The kept session is good for nothing. */
  forgetSession(traveller: Traveller): void
  handleAt(origin: string): string | null
}

/** Beyond this a session is renewed, however good it still is. */
const SESSION_MAX_AGE_MS = 6 * 3_600_000
/** A given account that was refused is not presented again for so long: the platform counts attempts. */
const REFUSED_PAUSE_MS = 10 * 60_000

interface Session {
  readonly cookie: string
  readonly atMs: number
}

/** Prepares accounts; nothing is made before a journey needs it. */
export function createJourneyAccounts(clock: Clock, source: AccountSource): JourneyAccounts {
  const sessions = new Map<string, Session>()
  /** Journeys that begin at the same time share one sign-in. */
  const entering = new Map<string, Promise<Session>>()
  const refusedAtMs = new Map<string, number>()

  async function signInAnew(traveller: Traveller, monitor: MonitorOf<'journey'>): Promise<Session> {
    traveller.cookie = ''
    const account = monitor.account ?? source.find(traveller.origin)
    const pausedSinceMs = refusedAtMs.get(traveller.origin) ?? Number.NEGATIVE_INFINITY
    if (clock.now().getTime() - pausedSinceMs < REFUSED_PAUSE_MS) throw refusedHere(traveller.origin)
    const isTaken = account !== null && (await present(traveller, account))
    // Else there is none yet, or the instance was set up anew and knows it no longer.
    if (!isTaken) await replaceAccount(traveller, monitor, account)
    if (traveller.cookie === '')
      throw journeyFailure('assertion', 'sign-in: no session came with the answer.')
    const session = { cookie: traveller.cookie, atMs: clock.now().getTime() }
    sessions.set(traveller.origin, session)
    return session
  }

  async function replaceAccount(
    traveller: Traveller,
    monitor: MonitorOf<'journey'>,
    refused: JourneyAccount | null,
  ): Promise<void> {
    if (monitor.account)
      throw journeyFailure('http-4xx', 'sign-in: the account of the configuration is refused.')
    if (source.make) return source.make(traveller)
    if (!refused)
      throw new JourneyError(ownFault(`sign-in: no account was given here for ${traveller.origin}.`))
    refusedAtMs.set(traveller.origin, clock.now().getTime())
    throw refusedHere(traveller.origin)
  }

  async function shared(traveller: Traveller, monitor: MonitorOf<'journey'>): Promise<void> {
    const key = traveller.origin
    let running = entering.get(key)
    if (!running) {
      running = signInAnew(traveller, monitor).finally(() => entering.delete(key))
      entering.set(key, running)
    }
    traveller.cookie = (await running).cookie
  }

  return {
    async enter(traveller, monitor) {
      const kept = sessions.get(traveller.origin)
      if (kept && clock.now().getTime() - kept.atMs < SESSION_MAX_AGE_MS) traveller.cookie = kept.cookie
      else await shared(traveller, monitor)
    },
    signIn: shared,
    forgetSession(traveller) {
      sessions.delete(traveller.origin)
    },
    handleAt: (origin) => source.find(origin)?.handle ?? null,
  }
}

/** Whoever set this place up may have mistyped it: that is no outage. */
const refusedHere = (origin: string): JourneyError =>
  new JourneyError(ownFault(`sign-in: ${origin} refuses the account that was given here.`))

/** Whether the platform takes the account. */
async function present(traveller: Traveller, account: JourneyAccount): Promise<boolean> {
  const answer = await traveller.send('sign-in', {
    method: 'POST',
    path: '/api/v1/sessions',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier: account.handle, password: account.password }),
    accept: [401],
  })
  return answer.status !== 401
}
