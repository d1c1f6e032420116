/** Who is signed in. The cookie is http-only: the server's answer is the truth, a hint on the device bridges the wait. */
import { readMe, signOut as signOutCall } from '#lib/api/first-endpoints.ts'
import type { Me } from '#lib/api/types.ts'
import { ACCOUNT_KEY } from './account-key.ts'
import { forgetOwnTraces } from './own-traces.ts'

export type SessionState = 'unknown' | 'signed-in' | 'signed-out'

interface Session {
  /** `unknown` until the server or the hint has said something. */
  state: SessionState
  account: Me | null
  /** True once the server itself has answered. */
  isConfirmed: boolean
  /** Entries of the account's notifications with something unread; null until an answer or the event stream has told. */
  unreadCount: number | null
}

export const session = $state<Session>({
  state: 'unknown',
  account: null,
  isConfirmed: false,
  unreadCount: null,
})

/** Asks the server who is signed in. While it can't be reached, what this device last knew stays. */
export async function loadSession(answer: Promise<{ account: Me | null }> = readMe()): Promise<void> {
  const hint = readHint()
  if (hint && session.state === 'unknown') {
    session.account = hint
    session.state = 'signed-in'
  }
  setAccount((await answer).account)
}

/** Records the server's word on who is signed in, on sign-in, sign-up, profile edits and sign-out. */
export function setAccount(account: Me | null): void {
  const before = session.account ?? readHint()
  if (before && before.id !== account?.id) forgetOwnTraces()
  if (account?.id !== session.account?.id) session.unreadCount = null
  session.account = account
  session.state = account ? 'signed-in' : 'signed-out'
  session.isConfirmed = true
  writeHint(account)
}

let isLeaving = false

/** Whether this tab itself is signing out: it needs no telling. */
export const isSigningOut = (): boolean => isLeaving

/** Signs out here; the server forgets the session first. @throws {ApiError} when it can't be told. */
export async function signOut(): Promise<void> {
  isLeaving = true
  try {
    await signOutCall()
    setAccount(null)
  } finally {
    isLeaving = false
  }
}

/** Sets the number of unread notifications, from an answer or a live update. */
export function setUnreadCount(count: number | null): void {
  if (session.account) session.unreadCount = count
}

/** Where to sign in, coming back to `next` (a path of this app) afterwards. */
export function signInHref(next: string = location.pathname + location.search): string {
  return `/signin?next=${encodeURIComponent(next)}`
}

/** The path to go to after signing in: only one of this app, whatever the address says. */
export function safeNext(next: string | null): string {
  // Browsers drop tabs and line ends from addresses: "/\t/host" is "//host" to them.
  if (!next || !/^\/(?!\/)[^\\\p{Cc}]*$/u.test(next)) return '/'
  return next
}

function readHint(): Me | null {
  try {
    const text = localStorage.getItem(ACCOUNT_KEY)
    return text ? (JSON.parse(text) as Me) : null
  } catch {
    return null
  }
}

function writeHint(account: Me | null): void {
  try {
    if (account) localStorage.setItem(ACCOUNT_KEY, JSON.stringify({ ...account, email: null }))
    else localStorage.removeItem(ACCOUNT_KEY)
  } catch {
    // Storage is full or forbidden: the hint is a comfort only.
  }
}
