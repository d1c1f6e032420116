/** Accounts: who people are, how they prove it, and where they are signed in. */
import './accounts.schema.ts'
import './security.schema.ts'
export { countAccounts, listAllSessions } from './accounts.queries.ts'
export { endAllSessions } from './sessions/end-everything.ts'
export { findAccountByHandle, findAccountById, findOperatorHandle } from './accounts.queries.ts'
export { SESSION_COOKIE } from './auth.ts'
export { accountRoutes } from './accounts.routes.ts'
export { isSignUpOpen, issueOperatorLink, loadAccountCards, signUp } from './accounts.service.ts'
export { toAccountCard } from './profile/me.ts'
export { newSignInQueue, startAccountJobs } from './accounts.jobs.ts'
export type { NewSignIn } from './accounts.jobs.ts'
export { FALSE_POSITIVE_RATE, importPasswords } from './passwords/password-filter.ts'
export { resealSecondFactors } from './second-factors/resealing.ts'
export { openRevocations } from './sessions/revocations.ts'
export {
  onSessionRevoked,
  peekSessionToken,
  readSessionToken,
  registerSessions,
  sessionCookieValue,
} from './sessions/sessions.ts'
