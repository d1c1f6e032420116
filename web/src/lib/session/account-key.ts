/** Where this device keeps who is signed in: all tabs hear of a change. */
export const ACCOUNT_KEY = 'upbeat.account'
