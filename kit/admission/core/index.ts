/** The pure part of admission: imports nothing, and can be run on a clock of its own. */
export { COLD_TIMES, COMES_LATER_MS, STANDSTILL_TIMES } from './bounds.ts'
export { Gate, type GateOptions } from './gate.ts'
export { personKeyOf, rankOf } from './persons.ts'
export { retryAfterS } from './retry-after.ts'
export { createAsker, Ticket, type Asker } from './ticket.ts'
export { RANK_COUNT, REFUSALS, type PriorityClass, type Refusal } from './types.ts'
