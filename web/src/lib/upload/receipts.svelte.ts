/** The account's receipts in this tab: pages of the list, kept true by live updates and, where those fail, by asking. */
import { goto } from '$app/navigation'
import { readReceipt, readReceipts } from '#lib/api/endpoints.ts'
import { problemOf } from '#lib/api/problem.ts'
import type { Problem, Receipt } from '#lib/api/types.ts'
import { showToast } from '#lib/ui/toasts.svelte.ts'
import { onUpdate, onUpdatesMissed } from '#lib/updates/updates.ts'
import { isNewer } from './receipt-words.ts'
import { uploads } from './tasks.svelte.ts'
import { t } from './texts.ts'

const PAGE_SIZE = 20
/** How long a receipt that is on its way may be silent before it is asked for. */
const SILENCE_MS = 5000
const MAX_ASKED_AT_ONCE = 4

interface Receipts {
  items: Receipt[]
  nextCursor: string | null
  state: 'unread' | 'reading' | 'read' | 'failed'
  isReadingMore: boolean
  problem: Problem | null
}

export const receipts = $state<Receipts>({
  items: [],
  nextCursor: null,
  state: 'unread',
  isReadingMore: false,
  problem: null,
})

const heardAtMs = new Map<string, number>()
let accountId: string | null = null
let stop: (() => void) | null = null

/** Begins to follow an account's receipts; again for the same account, it does nothing. */
export function followReceipts(ofAccountId: string): void {
  if (accountId === ofAccountId) return
  stop?.()
  accountId = ofAccountId
  Object.assign(receipts, { items: [], nextCursor: null, state: 'unread', problem: null })
  const stopUpdates = onUpdate((update) => {
    if (update.kind === 'receipt') noteReceipt(update.receipt)
  })
  const stopMissed = onUpdatesMissed(() => {
    if (receipts.state === 'read') void readNewestReceipts()
  })
  const timer = setInterval(() => void askForSilent(), SILENCE_MS)
  stop = () => {
    stopUpdates()
    stopMissed()
    clearInterval(timer)
  }
}

/** Reads the newest receipts. What is shown already stays while it asks. */
export async function readNewestReceipts(): Promise<void> {
  if (receipts.state === 'reading') return
  const isFirst = receipts.items.length === 0
  receipts.state = isFirst ? 'reading' : receipts.state
  const asker = accountId
  try {
    const page = await readReceipts({ limit: PAGE_SIZE })
    if (asker !== accountId) return
    if (isFirst || receipts.nextCursor === null) receipts.nextCursor = page.nextCursor
    for (const receipt of page.items.toReversed()) noteReceipt(receipt)
    receipts.state = 'read'
    receipts.problem = null
  } catch (error) {
    if (asker !== accountId) return
    receipts.state = receipts.items.length > 0 ? 'read' : 'failed'
    receipts.problem = problemOf(error)
  }
}

/** Reads on, into the past. */
export async function readOlderReceipts(): Promise<void> {
  if (receipts.isReadingMore || receipts.nextCursor === null) return
  receipts.isReadingMore = true
  try {
    const page = await readReceipts({ limit: PAGE_SIZE, cursor: receipts.nextCursor })
    const known = new Set(receipts.items.map((receipt) => receipt.id))
    receipts.items = [...receipts.items, ...page.items.filter((receipt) => !known.has(receipt.id))]
    receipts.nextCursor = page.nextCursor
    receipts.problem = null
  } catch (error) {
    receipts.problem = problemOf(error)
  } finally {
    receipts.isReadingMore = false
  }
}

/** Takes a receipt in, unless a newer one is known; tells the tab's task of it. */
export function noteReceipt(receipt: Receipt): void {
  heardAtMs.set(receipt.id, Date.now())
  const at = receipts.items.findIndex((item) => item.id === receipt.id)
  const known = receipts.items[at]
  if (known && !isNewer(receipt, known)) return
  if (known) {
    receipts.items[at] = receipt
    announce(known, receipt)
  } else {
    // Ids sort by the time they were made: newest first.
    const place = receipts.items.findIndex((item) => item.id < receipt.id)
    receipts.items.splice(place === -1 ? receipts.items.length : place, 0, receipt)
  }
  const task = uploads.tasks.find((item) => item.uploadId === receipt.id)
  if (task) task.receipt = receipt
}

/** Says so on whatever page the person is, when a video went live or failed. */
function announce(known: Receipt, receipt: Receipt): void {
  if (location.pathname === '/upload') return
  if (!known.publishedAt && receipt.publishedAt) {
    showToast(t('toast.posted'), {
      tone: 'good',
      icon: 'check',
      action: { label: t('toast.watch'), run: () => void goto(`/v/${receipt.videoId}`) },
    })
  } else if (known.state !== 'failed' && receipt.state === 'failed') {
    showToast(t('toast.failed', { reason: receipt.failure?.reason ?? t('receipt.failed.unknown') }), {
      tone: 'bad',
      icon: 'alert',
      shownMs: 8000,
      action: { label: t('toast.see'), run: () => void goto(`/upload?receipt=${receipt.id}`) },
    })
  }
}

/** Whether the server still has something to do or say. */
export function isOnItsWay(receipt: Receipt): boolean {
  if (receipt.state === 'safe' || receipt.state === 'playable') return true
  return receipt.state === 'complete' && receipt.isPublishRequested && receipt.publishedAt === null
}

/** All its bytes have left this tab; the server has not said so yet. */
function isSentFromHere(receipt: Receipt): boolean {
  return (
    receipt.state === 'receiving' &&
    uploads.tasks.some((task) => task.uploadId === receipt.id && task.phase === 'sent')
  )
}

async function askForSilent(): Promise<void> {
  if (document.hidden || navigator.onLine === false) return
  const silentSinceMs = Date.now() - SILENCE_MS
  const silent = receipts.items
    .filter(
      (receipt) =>
        (isOnItsWay(receipt) || isSentFromHere(receipt)) && (heardAtMs.get(receipt.id) ?? 0) < silentSinceMs,
    )
    .slice(0, MAX_ASKED_AT_ONCE)
  // The list shows its last true state meanwhile; a failed question is asked again with the next round.
  await Promise.allSettled(silent.map(async (receipt) => noteReceipt(await readReceipt(receipt.id))))
}
