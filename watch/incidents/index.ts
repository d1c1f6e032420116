/** Incidents: what outages become once people read of them. What most other parts of the watch need of them. */
export { auditStatement, listAudit } from './audit.ts'
export { reportMinutesOf, responseTimesOf, uptimeDaysOf } from './history.ts'
export {
  listMaintenances,
  maintenanceById,
  scheduleMaintenance,
  updateMaintenance,
} from './maintenance-verbs.ts'
export { heedAnnouncement, type Announcement } from './announced-maintenance.ts'
export { wordStatement } from './official-word.ts'
export {
  confirmOutage,
  correctCause,
  explainIncident,
  mergeIncidents,
  openIncident,
  postUpdate,
} from './operator-verbs.ts'
export { findIncident, writeExplanation, writeIncident, writeUpdate } from './records.ts'
export type { IncidentRecord } from './records.ts'
export { incidentById, listIncidents, listIncidentsOfBoth, listOpenIncidents, statusOf } from './status.ts'
export { idsOf, isBeginning, wordsInOrder, wordsOf, type Word } from './word-order.ts'
export { namesOf } from './apply-outage.ts'
export { essentialsOf, IMPACTS, indicatorOf, worstImpactOf, type Impact } from './component-status.ts'
export { explanationDueAtMs } from './explanation-due.ts'
export type { OtherWatches, OwnReader } from './other-watches.ts'
export { toView, type OwnIncident } from './record-view.ts'
export {
  ADVICE_LABEL,
  adviceFor,
  bodyOf,
  CAUSE_NAMED_FROM,
  CAUSE_WORDS,
  describeCause,
  duration,
  endSeenElsewhereBody,
  isOne,
  joinNames,
  likeThisOne,
  titleOf,
} from './words.ts'
export {
  declaredWords,
  isWorseMode,
  levelWords,
  regionWords,
  takenBackWords,
  type Declared,
  type DeclaredView,
  type RestorationStepView,
} from './declared.ts'
export { createLiveBoard } from './live-status.ts'
export type { LiveBoard, LiveStatus } from './live-status.ts'
export { startIncidentLoop } from './loop.ts'
export type { IncidentLoop } from './loop.ts'
export type {
  AuditEntry,
  ConfirmOutageInput,
  CorrectCauseInput,
  ExplainIncidentInput,
  ListIncidentsInput,
  MergeIncidentsInput,
  OpenIncidentInput,
  PostUpdateInput,
  ScheduleMaintenanceInput,
  UpdateMaintenanceInput,
} from './verbs.ts'
export type * from './views.ts'
