/** Incidents: what outages become once people read of them. All that other parts of the watch may import. */
export type {
  AuditEntry,
  ConfirmOutageInput,
  CorrectCauseInput,
  ExplainIncidentInput,
  IncidentVerbs,
  ListIncidentsInput,
  MergeIncidentsInput,
  OpenIncidentInput,
  PostUpdateInput,
  ScheduleMaintenanceInput,
  UpdateMaintenanceInput,
} from './verbs.ts'
export type * from './views.ts'
