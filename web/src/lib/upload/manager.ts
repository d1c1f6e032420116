/**
 * Moves uploads on, from a chosen file to its last byte, through lost connections and closed tabs.
 *
 * One per tab, for as long as the tab lives: pages come and go while bytes are sent. Its state is `tasks.svelte.ts`,
 * what follows after the last byte is in the receipts.
 */
import { readReceipt, readReceipts, readUploadLimits } from '#lib/api/endpoints.ts'
import { request } from '#lib/api/client.ts'
import { ApiError, problemOf } from '#lib/api/problem.ts'
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import type { Problem, Receipt, UploadLimits } from '#lib/api/types.ts'
import { makeId } from '#lib/ids.ts'
import { showToast } from '#lib/ui/toasts.svelte.ts'
import { refuseFile, refuseOtherFile } from './check-file.ts'
import { createUpload, sendIndex, TUS_VERSION } from './create-upload.ts'
import { isSameDraft, keepDraft, settleDraft } from './drafts.ts'
import { fingerprintOf } from './fingerprint.ts'
import { readLocalFacts } from './local-media.ts'
import { formatPercent } from './percent.ts'
import { followReceipts, noteReceipt, receipts } from './receipts.svelte.ts'
import { EMPTY_DRAFT, findUnfinished, forget, readRemembered, type FileMark } from './remembered.ts'
import { isOtherFile, knownOf, urlOf } from './same-film.ts'
import { isSendingBytes, uploads, type UploadTask } from './tasks.svelte.ts'
import { t } from './texts.ts'
import { createTransferMeter } from './transfer-rate.ts'
import { isWorthWaiting, startTransfer, type Transfer } from './transfer.ts'

/** More at once share the same line and only make each of them later. */
const MAX_AT_ONCE = 2
const RETRY = { maxTries: Infinity, baseDelayMs: 1000, maxDelayMs: 30_000 }
/** The shortest wait: an upload that a cut request still holds is let go within a moment. */
const MIN_WAIT_MS = 500

/** The server has nothing left to go on with. */
const MUST_START_ANEW = new Set(['upload-gone', 'upload-ended', 'upload-expired', 'upload-damaged'])

/** What moves one task: never shown, so not reactive. */
interface Run {
  readonly meter: ReturnType<typeof createTransferMeter>
  /** A lost answer to the creating call is asked for again under the same key. */
  readonly createKey: string
  abort: AbortController
  transfer: Transfer | null
  tries: number
  timer: ReturnType<typeof setTimeout> | undefined
  isIndexSent: boolean
  releaseLock: (() => void) | null
}

const runs = new Map<string, Run>()
let isListening = false

/** Takes files up for sending; each becomes a task at once, and says in it what becomes of it. */
export function addFiles(files: readonly File[], accountId: string, continued?: Receipt): UploadTask[] {
  listen()
  followReceipts(accountId)
  const added = files.map((file) => addTask(file, accountId))
  for (const task of added) void prepare(task, continued)
  return added
}

function addTask(file: File, accountId: string): UploadTask {
  const key = makeId()
  uploads.tasks.unshift({
    key,
    accountId,
    file,
    mark: markOf(file),
    phase: 'checking',
    uploadId: null,
    videoId: null,
    url: null,
    index: null,
    durationMs: null,
    fingerprint: null,
    sentBytes: 0,
    rate: { bytesPerS: null, timeLeftS: null },
    draft: EMPTY_DRAFT,
    draftState: 'clean',
    draftProblem: null,
    refusal: null,
    problem: null,
    retryAtMs: null,
    receipt: null,
  })
  runs.set(key, createRun())
  return findTask(key)!
}

function createRun(): Run {
  return {
    meter: createTransferMeter(),
    createKey: makeId(),
    abort: new AbortController(),
    transfer: null,
    tries: 0,
    timer: undefined,
    isIndexSent: false,
    releaseLock: null,
  }
}

export function markOf(file: File): FileMark {
  return { name: file.name, sizeBytes: file.size, modifiedAtMs: file.lastModified }
}

function findTask(key: string): UploadTask | undefined {
  return uploads.tasks.find((task) => task.key === key)
}

/** Reads the file's facts and the limits, and finds an unfinished upload of the same file. */
async function prepare(task: UploadTask, continued?: Receipt): Promise<void> {
  task.phase = 'checking'
  task.problem = null
  try {
    const [facts, fingerprint, limits, unfinished] = await Promise.all([
      readLocalFacts(task.file),
      fingerprintOf(task.file),
      readUploadLimits(),
      continued ? [continued] : readUnfinished(),
    ])
    const like = continued ?? findUnfinished(task.mark, unfinished, readRemembered())
    const isOther = like !== null && (await isOtherFile(fingerprint, like))
    if (!isStill(task, 'checking')) return
    task.durationMs = facts.durationMs
    task.fingerprint = fingerprint
    task.index = facts.indexAhead
    if (continued && isOther) {
      task.refusal = refuseOtherFile(task.mark.name, continued.filename)
      task.phase = 'refused'
      return
    }
    const found = isOther ? null : like
    if (found) continueUpload(task, found)
    const { name, sizeBytes } = task.mark
    // An upload that has begun has its room already.
    const room: UploadLimits = found ? { ...limits, availableBytes: Infinity } : limits
    task.refusal = refuseFile({ ...facts, name, sizeBytes, mediaType: task.file.type }, room)
    task.phase = task.refusal ? 'refused' : 'queued'
    sendNext()
  } catch (error) {
    if (isStill(task, 'checking')) meetTrouble(task, problemOf(error), () => void prepare(task, continued))
  }
}

async function readUnfinished(): Promise<Receipt[]> {
  const page = await readReceipts({ limit: 50 })
  const taken = new Set(uploads.tasks.map((task) => task.uploadId))
  return page.items.filter((receipt) => receipt.state === 'receiving' && !taken.has(receipt.id))
}

function continueUpload(task: UploadTask, receipt: Receipt): void {
  const known = knownOf(receipt)
  task.uploadId = receipt.id
  task.videoId = receipt.videoId
  task.url = urlOf(receipt)
  task.sentBytes = receipt.receivedBytes
  task.receipt = receipt
  task.draft = known?.draft ?? {
    caption: receipt.caption,
    visibility: receipt.visibility,
    coverAtMs: null,
    isPostWanted: receipt.isPublishRequested,
  }
  noteReceipt(receipt)
  if (known?.isDraftUnsent) settleDraft(task)
  const percent = formatPercent(receipt.sizeBytes > 0 ? receipt.receivedBytes / receipt.sizeBytes : 0)
  showToast(t('toast.continues', { name: task.mark.name, percent }), { icon: 'retry' })
}

/** Starts the tasks that wait for their turn, the oldest first, as many as may go at once. */
function sendNext(): void {
  const going = uploads.tasks.filter((task) => task.phase === 'creating' || task.phase === 'sending').length
  const queued = uploads.tasks.filter((task) => task.phase === 'queued').reverse()
  for (const task of queued.slice(0, Math.max(0, MAX_AT_ONCE - going))) void send(task)
}

async function send(task: UploadTask): Promise<void> {
  const run = runs.get(task.key)!
  run.abort = new AbortController()
  task.phase = 'creating'
  task.problem = null
  task.retryAtMs = null
  try {
    if (!task.uploadId) await open(task, run)
    if (!(await takeLock(task, run))) return leaveToOtherTab(task)
    if (task.index && !run.isIndexSent && task.sentBytes < task.index.offset) {
      run.isIndexSent = await sendIndex(task.uploadId!, task.file, task.index, run.abort.signal)
    }
    if (isStill(task, 'creating')) transferBytes(task, run)
  } catch (error) {
    if (run.abort.signal.aborted) return
    meetTrouble(task, problemOf(error))
  }
}

/** Asks for room and a receipt. */
async function open(task: UploadTask, run: Run): Promise<void> {
  const draft = { ...task.draft }
  const { url, receipt } = await createUpload({
    mark: task.mark,
    mediaType: task.file.type,
    draft,
    fingerprint: task.fingerprint,
    idempotencyKey: run.createKey,
    signal: run.abort.signal,
  })
  task.uploadId = receipt.id
  task.videoId = receipt.videoId
  task.url = url
  task.receipt = receipt
  noteReceipt(receipt)
  // Words written while the call was under way go after it.
  if (!isSameDraft(draft, task.draft)) settleDraft(task)
  else task.draftState = 'clean'
  keepDraft(task)
}

function transferBytes(task: UploadTask, run: Run): void {
  task.phase = 'sending'
  run.meter.reset()
  run.transfer = startTransfer(
    { file: task.file, name: task.mark.name, url: task.url! },
    {
      onProgress(sentBytes) {
        run.tries = 0
        run.meter.note(sentBytes, performance.now())
        task.sentBytes = sentBytes
        task.rate = run.meter.read(task.mark.sizeBytes)
      },
      onDone() {
        task.sentBytes = task.mark.sizeBytes
        endRun(run)
        task.phase = 'sent'
        if (task.draftState === 'clean') forget(task.uploadId!)
        sendNext()
      },
      onProblem: (problem) => meetTrouble(task, problem),
    },
  )
}

/** Waits and tries again where that helps; else the task stands with its problem until somebody decides. */
function meetTrouble(task: UploadTask, problem: Problem, again: () => void = () => requeue(task)): void {
  const run = runs.get(task.key)!
  endRun(run)
  run.meter.reset()
  task.rate = { bytesPerS: null, timeLeftS: null }
  task.problem = problem
  if (!isWorthWaiting(problem)) {
    task.phase = 'failed'
    return sendNext()
  }
  run.tries += 1
  const retryAfterMs = problem.retryAfterS === undefined ? null : problem.retryAfterS * 1000
  const delayMs = Math.max(MIN_WAIT_MS, delayBeforeTryMs(run.tries + 1, RETRY, Math.random, retryAfterMs))
  task.phase = 'waiting'
  task.retryAtMs = Date.now() + delayMs
  run.timer = setTimeout(again, delayMs)
  sendNext()
}

function requeue(task: UploadTask): void {
  clearTimeout(runs.get(task.key)?.timer)
  task.phase = 'queued'
  task.problem = null
  task.retryAtMs = null
  sendNext()
}

function endRun(run: Run): void {
  clearTimeout(run.timer)
  run.transfer?.stop()
  run.transfer = null
  run.releaseLock?.()
  run.releaseLock = null
}

/** Holds bytes back; what has arrived stays on the server. */
export function pauseUpload(task: UploadTask): void {
  const run = runs.get(task.key)!
  run.abort.abort()
  endRun(run)
  run.meter.reset()
  task.rate = { bytesPerS: null, timeLeftS: null }
  task.retryAtMs = null
  task.phase = 'paused'
  sendNext()
  void readArrived(task)
}

/** What the browser has handed over may still lie in buffers that the pause has emptied: the server knows what arrived. */
async function readArrived(task: UploadTask): Promise<void> {
  if (!task.uploadId) return
  const receipt = await readReceipt(task.uploadId).catch(() => null)
  if (!receipt) return
  noteReceipt(receipt)
  if (isStill(task, 'paused')) task.sentBytes = receipt.receivedBytes
}

/** Goes on: after a pause, before a wait is over, or after a failure that the person has mended. */
export function resumeUpload(task: UploadTask): void {
  const run = runs.get(task.key)!
  run.tries = 0
  if (task.problem && MUST_START_ANEW.has(task.problem.code)) startAnew(task)
  clearTimeout(run.timer)
  // A task that failed before the limits were known has not been checked.
  if (task.uploadId === null && task.problem !== null) void prepare(task)
  else requeue(task)
}

function startAnew(task: UploadTask): void {
  if (task.uploadId) forget(task.uploadId)
  Object.assign(task, { uploadId: null, videoId: null, url: null, sentBytes: 0, receipt: null })
  runs.set(task.key, createRun())
}

/** Gives a task its file again, when the device could no longer read it. Returns false for another file. */
export async function giveFileAgain(task: UploadTask, file: File): Promise<boolean> {
  if (file.size !== task.mark.sizeBytes) return false
  if (task.fingerprint !== null && (await fingerprintOf(file)) !== task.fingerprint) return false
  task.file = file
  resumeUpload(task)
  return true
}

/** Ends an upload on the server and takes it away here. @throws {ApiError} when the server can't be told. */
export async function cancelUpload(task: UploadTask): Promise<void> {
  if (task.phase !== 'paused') pauseUpload(task)
  if (task.uploadId) await terminate(task.uploadId)
  task.phase = 'cancelled'
  removeTask(task)
}

/** Ends an unfinished upload that no task of this tab has. @throws {ApiError} */
export async function terminate(uploadId: string): Promise<void> {
  const path = `/uploads/${encodeURIComponent(uploadId)}`
  try {
    await request<void>(path, { method: 'DELETE', headers: { 'tus-resumable': TUS_VERSION } })
  } catch (error) {
    // Gone already is what was wanted.
    if (!(error instanceof ApiError) || ![404, 410].includes(error.problem.status)) throw error
  }
  forget(uploadId)
  const known = receipts.items.find((receipt) => receipt.id === uploadId)
  if (known?.state === 'receiving')
    noteReceipt({ ...known, state: 'cancelled', endedAt: new Date().toISOString() })
}

/** Takes a task's card away; the receipt stays in the list. */
export function removeTask(task: UploadTask): void {
  const run = runs.get(task.key)
  if (run) endRun(run)
  runs.delete(task.key)
  uploads.tasks = uploads.tasks.filter((other) => other.key !== task.key)
  sendNext()
}

/** Only one tab of a browser sends an upload. Without locks (plain HTTP) the server decides. */
function takeLock(task: UploadTask, run: Run): Promise<boolean> {
  if (!navigator.locks || run.releaseLock) return Promise.resolve(true)
  return new Promise((resolve) => {
    void navigator.locks.request(`upbeat.upload.${task.uploadId}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null)
      if (lock) return new Promise<void>((release) => (run.releaseLock = release))
    })
  })
}

function leaveToOtherTab(task: UploadTask): void {
  const share = task.receipt && task.mark.sizeBytes > 0 ? task.receipt.receivedBytes / task.mark.sizeBytes : 0
  showToast(t('task.elsewhere', { percent: formatPercent(share) }), { icon: 'info' })
  removeTask(task)
}

function isStill(task: UploadTask, phase: UploadTask['phase']): boolean {
  return findTask(task.key)?.phase === phase
}

/** Listens, once, for what concerns all tasks: the network's return, and the page's end. */
function listen(): void {
  if (isListening) return
  isListening = true
  addEventListener('online', () => {
    for (const task of uploads.tasks) if (task.phase === 'waiting') resumeUpload(task)
  })
  addEventListener('beforeunload', (event) => {
    if (isSendingBytes()) event.preventDefault()
  })
}

/** Holds all bytes back, before signing out. */
export function pauseAllUploads(): void {
  for (const task of uploads.tasks) {
    if (['queued', 'creating', 'sending', 'waiting'].includes(task.phase)) pauseUpload(task)
  }
}
