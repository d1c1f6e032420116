/** The operator's part of the contract, as types only. */
export type {
  AuditEntry,
  DoorVitals,
  DrillResults,
  OperationsHistory,
  OperationsState,
  OperatorOrder,
  OrderAnswer,
  OrderGiver,
  OrdersInForce,
  Restoration,
  RoleName,
  RoleVitals,
} from '../../../../contract/index.ts'
