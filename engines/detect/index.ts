/**
 * From signals to outages: what is usual, what isn't, where, since when, why, and whether it is over.
 *
 * Pure and deterministic: samples and the time go in, outages come out, and a snapshot carries it over a restart. The
 * simulator that it was tuned and is measured on lies in `simulate/`.
 */
export { createDetector } from './detector.ts'
export { createSeriesScorer, scoreSeries, type SeriesPoint, type SeriesScorer } from './score-series.ts'
export { OBSERVATIONS, type Observation } from './observations.ts'
export {
  CAUSES,
  OUTAGE_STATES,
  PROBE_FAILURES,
  SIGNAL_KINDS,
  type Cause,
  type CellView,
  type ChatterSample,
  type Collateral,
  type Detector,
  type DetectorEvent,
  type DetectorOptions,
  type DetectorSnapshot,
  type FeatureModel,
  type Interval,
  type MaintenanceWindow,
  type MarkerSample,
  type Outage,
  type OutageState,
  type ProbeFailure,
  type ProbeSample,
  type RankedCause,
  type ReportSample,
  type Sample,
  type ServiceModel,
  type SignalKind,
  type TrafficSample,
  type WordSample,
} from './types.ts'
