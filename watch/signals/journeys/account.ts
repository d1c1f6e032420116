/** The account that journeys travel with: made once, its password kept in the watch's own data folder. */
import type { WatchCtx } from '../../app/context.ts'
import type { MonitorOf } from '../../configuration/index.ts'
import { journeyFailure, type Traveller } from './traveller.ts'

export interface JourneyAccount {
  readonly handle: string
  readonly password: string
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

interface Session {
  readonly cookie: string
  readonly atMs: number
}

/** Prepares accounts; nothing is made before a journey needs it. */
export function createJourneyAccounts(ctx: WatchCtx): JourneyAccounts {
  const sessions = new Map<string, Session>()
  /** Journeys that begin at the same time share one sign-in. */
  const entering = new Map<string, Promise<Session>>()
  const keyOf = (origin: string) => `journey-account ${origin}`

  function load(origin: string): JourneyAccount | null {
    const row = ctx.store.get<{ value: string }>('select value from kept where name = :name', {
      name: keyOf(origin),
    })
    // Written by `make` only.
    return row ? (JSON.parse(row.value) as JourneyAccount) : null
  }

  async function make(traveller: Traveller): Promise<JourneyAccount> {
    const account = {
      handle: `watch_${ctx.newId().slice(0, 10)}`,
      password: ctx.randomBytes(24).toString('base64url'),
    }
    await traveller.sendJson('sign-up', 'POST', '/api/v1/accounts', account)
    await ctx.store.write([
      {
        sql: `insert into kept (name, value, at_ms) values (:name, :value, :atMs)
          on conflict (name) do update set value = excluded.value, at_ms = excluded.at_ms`,
        params: {
          name: keyOf(traveller.origin),
          value: JSON.stringify(account),
          atMs: ctx.clock.now().getTime(),
        },
      },
    ])
    return account
  }

  async function signInAnew(traveller: Traveller, monitor: MonitorOf<'journey'>): Promise<Session> {
    traveller.cookie = ''
    const account = monitor.account ?? load(traveller.origin)
    if (!account) await make(traveller)
    else {
      const answer = await traveller.send('sign-in', {
        method: 'POST',
        path: '/api/v1/sessions',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ identifier: account.handle, password: account.password }),
        accept: [401],
      })
      if (answer.status === 401) {
        // The instance was set up anew, and knows the account no longer.
        if (monitor.account)
          throw journeyFailure('http-4xx', 'sign-in: the account of the configuration is refused.')
        await make(traveller)
      }
    }
    if (traveller.cookie === '')
      throw journeyFailure('assertion', 'sign-in: no session came with the answer.')
    const session = { cookie: traveller.cookie, atMs: ctx.clock.now().getTime() }
    sessions.set(traveller.origin, session)
    return session
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
      if (kept && ctx.clock.now().getTime() - kept.atMs < SESSION_MAX_AGE_MS) traveller.cookie = kept.cookie
      else await shared(traveller, monitor)
    },
    signIn: shared,
    forgetSession(traveller) {
      sessions.delete(traveller.origin)
    },
    handleAt: (origin) => load(origin)?.handle ?? null,
  }
}
