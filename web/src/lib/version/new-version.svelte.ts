/** Notices that the server has a newer build, and takes it at the next step that loses nothing. */
import { beforeNavigate } from '$app/navigation'
import { updated } from '$app/state'
import { t } from '#lib/i18n/core.ts'
import { isSendingBytes } from '#lib/upload/tasks.svelte.ts'
import { showToast } from '#lib/ui/toasts.svelte.ts'

const SHOWN_MS = 15_000

/** Call it once, while the root layout is made: the next change of page becomes a full load; until then it is offered. */
export function watchForNewVersion(): void {
  beforeNavigate(({ willUnload, to }) => {
    // A full load would stop an upload.
    if (updated.current && !willUnload && to && !isSendingBytes()) location.href = to.url.href
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
