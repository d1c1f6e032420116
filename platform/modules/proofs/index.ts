/** Proofs of work: what strangers' browsers do while more come than can be served, and what they get for it. */
export { proofRoutes } from './proofs.routes.ts'
