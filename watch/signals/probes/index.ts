/** Checks from outside. */
export {
  failedBy,
  ownFault,
  passed,
  roundPhases,
  type CheckLimits,
  type CheckResult,
} from './check-result.ts'
export { ofRequestError } from './check-http.ts'
export { createConnectivity, type Connectivity } from './connectivity.ts'
export { startProbes, type LastResult, type Probes, type TakenResult } from './probes.ts'
export {
  createNetworkRunners,
  runCheck,
  type CheckContext,
  type CheckRunners,
  type CheckTools,
} from './run-check.ts'
export { createSchedule } from './schedule.ts'
export { watchStalls, type StallWatch } from './stall-watch.ts'
