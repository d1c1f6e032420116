/** Sends a file's bytes to one upload address by tus, from wherever the server says it stopped. */
import { DetailedError, Upload } from 'tus-js-client'
import { serverFaultProblem } from '#lib/api/answer-problems.ts'
import { CLIENT_HEADERS } from '#lib/api/client.ts'
import { localProblem, offlineProblem, unreachableProblem } from '#lib/api/problem.ts'
import type { Problem } from '#lib/api/types.ts'
import { formatPercent } from './percent.ts'
import { t } from './texts.ts'

/**
 * Small enough for a proxy's usual limit of 100 MB a request, large enough that the pause for the answer between two
 * is lost in the rest: 40 ms in 13 s at 20 Mb/s.
 */
const CHUNK_BYTES = 32 * 1024 * 1024
/** Longer than the buffers of a slow line take to drain. */
const STALL_MS = 45_000

export interface TransferHooks {
  readonly onProgress: (sentBytes: number) => void
  readonly onDone: () => void
  readonly onProblem: (problem: Problem) => void
}

export interface Transfer {
  /** Stops sending; what has arrived stays on the server. No hook is called afterwards. */
  stop(): void
}

/** Begins to send. Ends with exactly one of `onDone`, `onProblem` or the caller's `stop`. */
export function startTransfer(
  input: { file: File; name: string; url: string },
  hooks: TransferHooks,
): Transfer {
  let isOver = false
  let sentBytes = 0
  let stallTimer: ReturnType<typeof setTimeout> | undefined

  function finish(report: () => void): void {
    if (isOver) return
    isOver = true
    clearTimeout(stallTimer)
    report()
  }
  function watchForStall(): void {
    clearTimeout(stallTimer)
    stallTimer = setTimeout(() => {
      void upload.abort()
      const detail = t('problem.stalled', { n: STALL_MS / 1000 })
      finish(() => hooks.onProblem({ ...unreachableProblem(), code: 'stalled', detail }))
    }, STALL_MS)
  }

  const upload = new Upload(input.file, {
    uploadUrl: input.url,
    chunkSize: CHUNK_BYTES,
    headers: { ...CLIENT_HEADERS },
    // Waiting and trying again is the manager's: it knows of the network and says so.
    retryDelays: null,
    storeFingerprintForResuming: false,
    onProgress(bytes) {
      if (isOver) return
      sentBytes = bytes
      watchForStall()
      hooks.onProgress(bytes)
    },
    onSuccess: () => finish(hooks.onDone),
    onError(error) {
      void problemOfTransfer(error, input.file, input.name, sentBytes).then((problem) =>
        finish(() => hooks.onProblem(problem)),
      )
    },
  })
  watchForStall()
  upload.start()
  return {
    stop: () => finish(() => void upload.abort()),
  }
}

async function problemOfTransfer(
  error: Error | DetailedError,
  file: File,
  name: string,
  sentBytes: number,
): Promise<Problem> {
  const response = error instanceof DetailedError ? error.originalResponse : null
  if (response) return problemOfAnswer(response.getStatus(), response.getBody())
  // A file that was changed on the device fails like a network: only reading it tells the two apart.
  const canRead = await file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    )
  if (!canRead) return fileGoneProblem(name, file.size > 0 ? sentBytes / file.size : 0)
  return navigator.onLine === false ? offlineProblem() : unreachableProblem()
}

function fileGoneProblem(name: string, share: number): Problem {
  return localProblem({
    code: 'file-gone',
    side: 'you',
    isWorkKept: true,
    title: t('problem.fileGone.title'),
    detail: t('problem.fileGone.detail', { name }),
    next: t('problem.fileGone.next', { percent: formatPercent(share) }),
  })
}

/** The problem that an answer of the server carries, whatever shape it has. */
export function problemOfAnswer(status: number, body: string): Problem {
  const told = parseProblem(body)
  if (told?.code === 'upload-taken-over')
    return {
      ...told,
      title: t('problem.takenOver.title'),
      detail: t('problem.takenOver.detail'),
      next: t('problem.takenOver.next'),
    }
  if (told) return told
  if (status === 404 || status === 410) {
    return localProblem({
      code: 'upload-gone',
      side: 'you',
      status,
      isWorkKept: false,
      title: t('problem.gone.title'),
      detail: t('problem.gone.detail'),
      next: t('problem.gone.next'),
    })
  }
  if (status >= 500 || status === 0) return { ...serverFaultProblem(status), isWorkKept: true }
  return localProblem({
    code: 'tus-refused',
    side: 'us',
    status,
    isWorkKept: true,
    title: t('problem.tus.title'),
    detail: t('problem.tus.detail', { status: String(status) }),
    next: t('problem.tus.next'),
  })
}

function parseProblem(body: string): Problem | null {
  try {
    const problem = JSON.parse(body) as Partial<Problem> | null
    return typeof problem?.code === 'string' && typeof problem.next === 'string' ? (problem as Problem) : null
  } catch {
    return null
  }
}

/** Whether waiting helps: networks and busy servers, and an upload that another request still holds or moved on. */
export function isWorthWaiting(problem: Problem): boolean {
  // 409: the offset isn't where we thought, 423: a request that was cut still holds it. Asking for the offset again mends both.
  // 460: bytes were changed on the way, 507: a full disk is told with the time to wait.
  const passing = [408, 409, 423, 425, 429, 460]
  return problem.side === 'network' || passing.includes(problem.status) || problem.status >= 500
}
