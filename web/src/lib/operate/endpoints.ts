/** The operator's calls; the server refuses them to everyone else. */
import { request } from '#lib/api/client.ts'
import type {
  AuditEntry,
  FollowedEdge,
  OperationsHistory,
  OperationsState,
  OperatorOrder,
  OrderAnswer,
  RegionStatus,
  ReleasesState,
} from './types.ts'

/** The next look comes within a second: none is repeated. */
const LIVE = { shouldRetry: false, timeoutMs: 4000 } as const

export const readOperations = () => request<OperationsState>('/operations/state', LIVE)
export const readHistory = (after: number | null) =>
  request<OperationsHistory>('/operations/history', { ...LIVE, query: { after } })
export const readAudit = () => request<{ items: AuditEntry[] }>('/operations/audit', LIVE)
export const readReleases = () => request<ReleasesState>('/operations/releases', LIVE)
export const readEdges = () => request<{ items: FollowedEdge[] }>('/operations/edges', LIVE)
export const readRegions = () => request<{ items: RegionStatus[] }>('/regions', LIVE)
export const giveOrder = (order: OperatorOrder) =>
  request<OrderAnswer>('/operations/orders', { method: 'POST', body: order })
