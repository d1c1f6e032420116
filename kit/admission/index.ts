/** Admission control: a Fastify plugin, doors before dependencies, and their metrics. See README.md. */
export { enterDoor, NotAdmittedError, runBehind } from './behind.ts'
export { Door, type DoorOptions } from './door.ts'
export { createHintReader, readCookie, signHint, type Hint } from './hint.ts'
export { registerAdmissionMetrics } from './metrics.ts'
export {
  CLASS_HEADER,
  DEADLINE_HEADER,
  installAdmission,
  type AdmissionOptions,
  type AdmissionRule,
  type Refused,
} from './plugin.ts'
export { ClientGoneError, currentScope, inScopeOf, Scope } from './scope.ts'
export type { PriorityClass } from './core/index.ts'
