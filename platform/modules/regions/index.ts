/** Regions: which is served, how far behind it is, which is closed and why, and the gate that holds to it at every level. */
export { openRegionGate } from './region-gate.ts'
export { readingFrom } from './replica-reads.ts'
export { regionRoutes } from './regions.routes.ts'
export { regionsOf } from './regions.service.ts'
