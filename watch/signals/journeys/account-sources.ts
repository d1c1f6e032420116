/** Where the accounts of journeys come from: the watch makes its own, an agent is given one. */
import type { WatchCtx } from '../../app/context.ts'
import { keepStatement, readKept } from '../../store/index.ts'
import type { AccountSource, JourneyAccount } from './account.ts'

/** Accounts that the watch makes, one an instance; their passwords stay in its data folder. */
export function ownAccounts(ctx: WatchCtx): AccountSource {
  const keyOf = (origin: string) => `journey-account ${origin}`
  return {
    find(origin) {
      const value = readKept(ctx.store, keyOf(origin))
      // Written by `make` only.
      return value === undefined ? null : (JSON.parse(value) as JourneyAccount)
    },
    async make(traveller) {
      const account = {
        handle: `watch_${ctx.newId().slice(0, 10)}`,
        password: ctx.randomBytes(24).toString('base64url'),
      }
      await traveller.sendJson('sign-up', 'POST', '/api/v1/accounts', account)
      await ctx.store.write([
        keepStatement({
          name: keyOf(traveller.origin),
          value: JSON.stringify(account),
          nowMs: ctx.clock.now().getTime(),
        }),
      ])
    },
  }
}

export interface GivenAccount extends JourneyAccount {
  /** The one instance that the account is for: its password is sent nowhere else, whatever address a monitor names. */
  readonly origin: string
}

/** An account that a person made and gave to this place. */
export const givenAccount = (given: GivenAccount): AccountSource => ({
  find: (origin) => (origin === given.origin ? given : null),
  make: null,
})
