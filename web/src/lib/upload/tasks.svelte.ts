/**
 * The uploads that this tab is busy with, as reactive state: small, for the layout's sign of progress needs it on every
 * page. What moves them is `manager.ts`, loaded only where somebody uploads.
 */
import type { Problem, Receipt } from '#lib/api/types.ts'
import type { Refusal } from './check-file.ts'
import type { ByteRange } from './mp4-index.ts'
import type { Draft, FileMark } from './remembered.ts'
import type { TransferRate } from './transfer-rate.ts'

export type TaskPhase =
  /** Reading the file's own facts and the limits. */
  | 'checking'
  /** Never sent: `refusal` says why. */
  | 'refused'
  /** Others are being sent first. */
  | 'queued'
  /** Asking for room, sending the index. */
  | 'creating'
  | 'sending'
  | 'paused'
  /** For the connection or a busy server: `problem` says which, `retryAtMs` when it is tried next. */
  | 'waiting'
  /** All bytes are there: the receipt tells the rest. */
  | 'sent'
  /** Can't go on by itself: `problem` says why. */
  | 'failed'
  | 'cancelled'

export interface UploadTask {
  readonly key: string
  readonly accountId: string
  file: File
  mark: FileMark
  phase: TaskPhase
  uploadId: string | null
  videoId: string | null
  url: string | null
  /** The index to send ahead of the film; null when it need not be. */
  index: ByteRange | null
  durationMs: number | null
  /** What tells the file from another one of its size; null until it is read. */
  fingerprint: string | null
  sentBytes: number
  rate: TransferRate
  draft: Draft
  /** `local`: kept on this device because the server didn't take it yet. */
  draftState: 'clean' | 'dirty' | 'saving' | 'local'
  draftProblem: Problem | null
  refusal: Refusal | null
  problem: Problem | null
  retryAtMs: number | null
  receipt: Receipt | null
}

export const uploads = $state<{ tasks: UploadTask[] }>({ tasks: [] })

/** Whether bytes would stop going if the page were closed now. */
export function isSendingBytes(): boolean {
  return uploads.tasks.some(
    (task) => task.phase === 'sending' || task.phase === 'creating' || task.phase === 'waiting',
  )
}

/** Uploads whose bytes are still to be sent, for the sign of progress. */
export function openTasks(): UploadTask[] {
  const phases: readonly TaskPhase[] = ['queued', 'creating', 'sending', 'paused', 'waiting']
  return uploads.tasks.filter((task) => phases.includes(task.phase))
}

/** 0 to 1 over all open uploads, by bytes. */
export function totalProgress(tasks: readonly UploadTask[]): number {
  const total = tasks.reduce((sum, task) => sum + task.mark.sizeBytes, 0)
  return total === 0 ? 0 : tasks.reduce((sum, task) => sum + task.sentBytes, 0) / total
}
