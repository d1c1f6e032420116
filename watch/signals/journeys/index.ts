/** Ways through the platform, as a person goes them. */
export { createJourneyRunner } from './journeys.ts'
