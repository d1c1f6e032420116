/** Asks a stranger to sign in when they do what needs an account. */

export type SignInReason =
  | 'signIn.needed'
  | 'signIn.neededToLike'
  | 'signIn.neededToSave'
  | 'signIn.neededToFollow'
  | 'signIn.neededToComment'

export const signInPrompt = $state<{ reason: SignInReason | null }>({ reason: null })

export function askToSignIn(reason: SignInReason): void {
  signInPrompt.reason = reason
}
