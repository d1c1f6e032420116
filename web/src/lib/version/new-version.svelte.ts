/** Notices that the server has a newer build, and takes it at the next step that loses nothing. */
import { version } from '$app/env'
import { beforeNavigate } from '$app/navigation'
import { navigating, updated } from '$app/state'
import { offlineProblem, unreachableProblem } from '#lib/api/problem.ts'
import { t } from '#lib/i18n/core.ts'
import { isSendingBytes, openTasks } from '#lib/upload/tasks.svelte.ts'
import { showProblem, showToast } from '#lib/ui/toasts.svelte.ts'

const SHOWN_MS = 15_000
/** The build that was left because a part of it was gone: a reload that brings it again is not repeated. */
const LEFT_BUILD_KEY = 'upbeat.left-build'

/** Call it once, while the root layout is made: the next change of page becomes a full load; until then it is offered. */
export function watchForNewVersion(): void {
  beforeNavigate(({ willUnload, to }) => {
    // A full load would stop an upload.
    if (updated.current && !willUnload && to && !isSendingBytes()) location.href = to.url.href
  })
  // Pages whose code is gone are loaded anew by SvelteKit; this is for the parts that a page fetches when they are needed.
  $effect(() => {
    const onMissingPart = () => {
      if (!navigating.to) void recoverPart()
    }
    addEventListener('vite:preloadError', onMissingPart)
    return () => removeEventListener('vite:preloadError', onMissingPart)
  })
  let isTold = false
  $effect(() => {
    if (!updated.current || isTold) return
    isTold = true
    showToast(t('version.ready'), {
      icon: 'sparkle',
      shownMs: SHOWN_MS,
      action: { label: t('action.refresh'), run: () => location.reload() },
    })
  })
}

/** A part of this page's code did not come: once, and if nothing is lost by it, the page is loaded anew. */
async function recoverPart(): Promise<void> {
  const reload = { label: t('action.refresh'), run: () => location.reload() }
  if (!(await updated.check().catch(() => false))) {
    showProblem(navigator.onLine === false ? offlineProblem() : unreachableProblem(), reload)
    return
  }
  const wasLeft = sessionStorage.getItem(LEFT_BUILD_KEY) === version
  if (wasLeft || openTasks().length > 0 || hasUnsentWords()) {
    showToast(t('version.needed'), { icon: 'sparkle', shownMs: SHOWN_MS, action: reload })
    return
  }
  sessionStorage.setItem(LEFT_BUILD_KEY, version)
  location.reload()
}

function hasUnsentWords(): boolean {
  return [...document.querySelectorAll('textarea')].some((field) => field.value.trim() !== '')
}
