/** Live updates: what open browsers hear, by server-sent events. */
export type { LoadReceipt } from './payloads.ts'
export { createUpdateRoutes, STREAMS_PER_ACCOUNT, STREAMS_PER_ADDRESS } from './updates.routes.ts'
export type { UpdateOptions } from './updates.routes.ts'
