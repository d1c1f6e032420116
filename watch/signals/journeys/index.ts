/** Ways through the platform, as a person goes them. */
export { givenAccount, ownAccounts, type GivenAccount } from './account-sources.ts'
export { createJourneyRunner } from './journeys.ts'
