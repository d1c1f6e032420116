/** What an author writes about a video, brought to the server: kept here first, sent when typing rests, tried again. */
import { editVideo, publishVideo } from '#lib/api/endpoints.ts'
import { isTransient, problemOf } from '#lib/api/problem.ts'
import { delayBeforeTryMs } from '#lib/api/retry.ts'
import { forget, readRemembered, remember, type Draft } from './remembered.ts'
import type { UploadTask } from './tasks.svelte.ts'

const REST_MS = 700
const RETRY = { maxTries: Infinity, baseDelayMs: 2000, maxDelayMs: 30_000 }

const timers = new Map<string, ReturnType<typeof setTimeout>>()
const triesByKey = new Map<string, number>()

export function isSameDraft(one: Draft, other: Draft): boolean {
  return (
    one.caption === other.caption &&
    one.visibility === other.visibility &&
    one.coverAtMs === other.coverAtMs &&
    one.isPostWanted === other.isPostWanted
  )
}

/** Changes what is said about a video; it is on this device at once and on the server as soon as typing rests. */
export function changeDraft(task: UploadTask, change: Partial<Draft>): void {
  task.draft = { ...task.draft, ...change }
  settleDraft(task, change.isPostWanted ? 0 : REST_MS)
}

/** Marks the draft as unsent and plans to send it. */
export function settleDraft(task: UploadTask, delayMs = REST_MS): void {
  if (task.draftState !== 'saving') task.draftState = 'dirty'
  keepDraft(task)
  // Until the upload is created there is no video to edit; its creation carries the words.
  if (task.videoId === null) return
  clearTimeout(timers.get(task.key))
  timers.set(
    task.key,
    setTimeout(() => void sendDraft(task), delayMs),
  )
}

/** Writes down on this device what a closed tab must not lose. */
export function keepDraft(task: UploadTask): void {
  const { uploadId, videoId, accountId, url, mark, fingerprint, draft } = task
  if (!uploadId || !videoId || !url) return
  const isDraftUnsent = task.draftState !== 'clean'
  if (task.phase === 'sent' && !isDraftUnsent) return forget(uploadId)
  remember({
    uploadId,
    videoId,
    accountId,
    url,
    file: { ...mark },
    fingerprint,
    draft: { ...draft },
    isDraftUnsent,
    rememberedAtMs: Date.now(),
  })
}

async function sendDraft(task: UploadTask): Promise<void> {
  if (task.draftState === 'saving') return
  const draft: Draft = { ...task.draft }
  task.draftState = 'saving'
  try {
    await sendWords(task.videoId!, draft)
    triesByKey.delete(task.key)
    task.draftProblem = null
    task.draftState = isSameDraft(draft, task.draft) ? 'clean' : 'dirty'
    if (task.draftState === 'dirty') settleDraft(task)
    else keepDraft(task)
  } catch (error) {
    const problem = problemOf(error)
    task.draftProblem = problem
    task.draftState = 'local'
    keepDraft(task)
    if (!isTransient(problem)) return
    const tries = (triesByKey.get(task.key) ?? 0) + 1
    triesByKey.set(task.key, tries)
    const retryAfterMs = problem.retryAfterS === undefined ? null : problem.retryAfterS * 1000
    settleDraft(task, Math.max(1000, delayBeforeTryMs(tries + 1, RETRY, Math.random, retryAfterMs)))
    task.draftState = 'local'
  }
}

async function sendWords(videoId: string, draft: Draft): Promise<void> {
  await editVideo(videoId, {
    caption: draft.caption,
    visibility: draft.visibility,
    ...(draft.coverAtMs === null ? {} : { coverAtMs: draft.coverAtMs }),
  })
  if (draft.isPostWanted) await publishVideo(videoId)
}

/** Sends what an earlier tab wrote and could not send. What the server refuses for good is let go. */
export async function sendForgottenDrafts(
  accountId: string,
  busyUploadIds: readonly string[],
): Promise<void> {
  const unsent = readRemembered().filter(
    (upload) =>
      upload.accountId === accountId && upload.isDraftUnsent && !busyUploadIds.includes(upload.uploadId),
  )
  for (const upload of unsent) {
    try {
      await sendWords(upload.videoId, upload.draft)
      remember({ ...upload, isDraftUnsent: false })
    } catch (error) {
      if (isTransient(problemOf(error))) return
      forget(upload.uploadId)
    }
  }
}
