/** The operator's part of the contract, as types only. */
export type {
  AuditEntry,
  CodeReleaseState,
  DocumentRelease,
  DoorVitals,
  DrillResults,
  OperationsHistory,
  OperationsState,
  OperatorOrder,
  OrderAnswer,
  OrderGiver,
  OrdersInForce,
  ReleaseEvidence,
  ReleasesState,
  Restoration,
  RoleName,
  RoleVitals,
} from '../../../../contract/index.ts'
