/** What matters most is served, what can't be is said, and everything comes back in its order. Pure. */
export { DEPENDENCIES, type Dependency } from './dependencies.ts'
export { FEATURES, LEVELS, modeAt, MODES, type Feature, type Level, type Mode } from './levels.ts'
export { createPressure, type Thresholds } from './pressure.ts'
export { isLetIntoRegion, REOPENING_SHARES } from './region-access.ts'
export type { RestorationEvent, Step, StepSignals, StepView, Window } from './restoration.ts'
export {
  createSteward,
  NO_ORDERS,
  type Orders,
  type Reason,
  type Signals,
  type Steward,
  type StewardState,
} from './steward.ts'
export { STEPS } from './steps.ts'
