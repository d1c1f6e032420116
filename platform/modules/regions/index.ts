/** Regions: which is served, how far behind it is, which is closed and why, and the gate that holds to it at every level. */
export { openRegionGate } from './region-gate.ts'
export { regionRoutes } from './regions.routes.ts'
export { regionsOf } from './regions.service.ts'
