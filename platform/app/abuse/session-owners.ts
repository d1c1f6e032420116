/**
 * Whose sessions these are, as far as this process has looked them up: all sessions of an account share what it may ask
 * for. Known only after a session's first request, which counts by the session alone: the first look at a request asks no database.
 */
import { createRecentMap } from '../../../kit/bounded/recent-map.ts'

export interface SessionOwners {
  remember(token: string, accountId: string): void
  /**
   * The account; the session's token where its account is not known, or the session may have been ended: nobody spends
   * what an account may ask for by a session that was taken from them.
   */
  countedAs(token: string): string
}

const SESSIONS_MAX = 32_768
/** An entry of a map with both texts, rounded up; measured at 178. */
const SESSION_BYTES = 256
/** What it takes when it is full. */
export const OWNERS_BYTES = SESSIONS_MAX * SESSION_BYTES

/** Begins with none; the one that was looked up longest ago is forgotten first. */
export function createSessionOwners(mayHaveEnded: (token: string) => boolean): SessionOwners {
  const accounts = createRecentMap<string, string>(SESSIONS_MAX)
  return {
    remember(token, accountId) {
      if (accounts.get(token) === accountId) return
      // A copy: a part of a Cookie header keeps all of the header in memory.
      accounts.set(Buffer.from(token, 'latin1').toString('latin1'), accountId)
    },
    countedAs(token) {
      const account = accounts.get(token)
      return account === undefined || mayHaveEnded(token) ? token : account
    },
  }
}
