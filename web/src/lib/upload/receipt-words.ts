/** A receipt in words: where an upload is on its way, and what that means for its author. */
import type { Receipt } from '#lib/api/types.ts'
import { formatBytes } from '#lib/i18n/format-more.ts'
import { formatTimeLeft } from './time-left.ts'
import { t } from './texts.ts'

export type StepId = 'received' | 'safe' | 'playable' | 'complete' | 'published'
export type StepState = 'done' | 'going' | 'open' | 'failed'

export interface ReceiptWords {
  readonly title: string
  readonly detail: string
  readonly tone: 'plain' | 'good' | 'bad'
  /** 0 to 1 of what goes on now; null while it can't be known; undefined when nothing goes on. */
  readonly progress: number | null | undefined
}

const STEPS: readonly StepId[] = ['received', 'safe', 'playable', 'complete', 'published']

/** The steps of an upload, each with its state. */
export function stepsOf(receipt: Receipt): { id: StepId; state: StepState }[] {
  const isDone: Record<StepId, boolean> = {
    received: receipt.state !== 'receiving' && receipt.receivedBytes >= receipt.sizeBytes,
    safe: receipt.safeAt !== null,
    playable: receipt.playableAt !== null || receipt.playableHeight !== null,
    complete: receipt.completeAt !== null || receipt.state === 'complete',
    published: receipt.publishedAt !== null,
  }
  const hasEnded = receipt.state === 'failed' || receipt.state === 'cancelled'
  const current = STEPS.find((id) => !isDone[id] && (id !== 'published' || receipt.isPublishRequested))
  return STEPS.map((id) => ({
    id,
    state: isDone[id] ? 'done' : id !== current ? 'open' : hasEnded ? 'failed' : 'going',
  }))
}

/** What is true of an upload now. @param isPaused whether the server makes no renditions beyond the first at the moment */
export function describeReceipt(receipt: Receipt, isPaused = false): ReceiptWords {
  switch (receipt.state) {
    case 'receiving':
      return {
        title: t('receipt.receiving.title'),
        detail: t('receipt.receiving.detail', {
          received: formatBytes(receipt.receivedBytes),
          size: formatBytes(receipt.sizeBytes),
        }),
        tone: 'plain',
        progress: receipt.sizeBytes > 0 ? receipt.receivedBytes / receipt.sizeBytes : null,
      }
    case 'safe':
      return {
        title: t('receipt.safe.title'),
        detail: receipt.waitsFor
          ? t(`receipt.waits.${receipt.waitsFor}`)
          : receipt.isPublishRequested
            ? t('receipt.safe.detailPosting')
            : t('receipt.safe.detail'),
        tone: 'plain',
        progress: receipt.progress,
      }
    case 'playable':
      return describePlayable(receipt, isPaused)
    case 'complete':
      return receipt.publishedAt
        ? {
            title: t('receipt.published.title'),
            detail: t(`receipt.published.detail.${receipt.visibility}`),
            tone: 'good',
            progress: undefined,
          }
        : {
            title: t('receipt.complete.title'),
            detail: receipt.isPublishRequested
              ? t('receipt.complete.detailPosting')
              : t('receipt.complete.detail'),
            tone: 'good',
            progress: undefined,
          }
    case 'failed':
      return {
        title: t('receipt.failed.title'),
        detail: receipt.failure?.reason ?? t('receipt.failed.unknown'),
        tone: 'bad',
        progress: undefined,
      }
    case 'cancelled':
      return {
        title: t('receipt.cancelled.title'),
        detail: t('receipt.cancelled.detail'),
        tone: 'plain',
        progress: undefined,
      }
  }
}

function describePlayable(receipt: Receipt, isPaused: boolean): ReceiptWords {
  const height = receipt.playableHeight
  const left = receipt.timeLeftS === null ? null : formatTimeLeft(receipt.timeLeftS)
  return {
    title: receipt.publishedAt
      ? t('receipt.published.title')
      : height === null
        ? t('receipt.playable.title')
        : t('receipt.playable.titleAt', { height: String(height) }),
    detail: receipt.waitsFor
      ? t(`receipt.waits.${receipt.waitsFor}`)
      : isPaused
        ? t('receipt.waits.paused')
        : left === null
          ? t('receipt.playable.detail')
          : t('receipt.playable.detailLeft', { left }),
    tone: 'good',
    progress: receipt.progress,
  }
}

/**
 * Whether the newer one of two receipts of an upload; live updates and reads can overtake each other. A newer one may
 * say less: a video whose files were lost is made again.
 */
export function isNewer(next: Receipt, known: Receipt): boolean {
  return Date.parse(next.asOf) >= Date.parse(known.asOf)
}
