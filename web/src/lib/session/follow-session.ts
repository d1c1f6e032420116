/** Elsewhere the session was ended, or another tab of this browser has signed in or out: this tab goes with it. */
import { goto } from '$app/navigation'
import { t as core } from '#lib/i18n/core.ts'
import { t } from '#lib/i18n/rare.ts'
import { showToast } from '#lib/ui/toasts.svelte.ts'
import { isSigningOut, loadSession, session, signInHref } from './session.svelte.ts'

/** Asks who is signed in now, and says so when nobody is any longer. Never throws. */
export async function followSession(): Promise<void> {
  const before = session.account
  await loadSession().catch(() => {})
  if (!before || session.account || isSigningOut()) return
  showToast(t('session.ended', { handle: before.handle }), {
    icon: 'signOut',
    shownMs: 10_000,
    action: { label: core('nav.signIn'), run: () => void goto(signInHref()) },
  })
}
