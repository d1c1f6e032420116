/** Short messages that come and go; one at a time is read out. */
import type { Problem } from '#lib/api/types.ts'
import type { IconName } from './icons.ts'

export interface Toast {
  readonly id: number
  readonly text: string
  readonly tone: 'plain' | 'good' | 'bad'
  readonly icon?: IconName
  readonly action?: { readonly label: string; readonly run: () => void }
}

const SHOWN_MS = 4200
/** A failure has two sentences to read. */
const SHOWN_PROBLEM_MS = 8000
const MAX_AT_ONCE = 3

let nextId = 1
export const toasts = $state<{ items: Toast[] }>({ items: [] })

/** Shows a message for some seconds. Returns how to take it away earlier. */
export function showToast(
  text: string,
  options: Partial<Pick<Toast, 'tone' | 'icon' | 'action'>> & { shownMs?: number } = {},
): () => void {
  const { shownMs = SHOWN_MS, ...look } = options
  const toast: Toast = { id: nextId++, text, tone: 'plain', ...look }
  toasts.items = [...toasts.items, toast].slice(-MAX_AT_ONCE)
  const dismiss = () => {
    toasts.items = toasts.items.filter((item) => item.id !== toast.id)
  }
  setTimeout(dismiss, shownMs)
  return dismiss
}

/** Shows a failure in its own words: what failed and what to do next. */
export function showProblem(problem: Problem, action?: Toast['action']): () => void {
  if (problem.code === 'feature-paused') {
    let dismiss = () => {}
    import('#lib/service/words.ts').then(
      ({ wordsOf }) => {
        dismiss = showToast(wordsOf(problem).text, { icon: 'pause', shownMs: SHOWN_PROBLEM_MS })
      },
      () => {},
    )
    return () => dismiss()
  }
  return showToast(`${problem.detail} ${problem.next}`, {
    tone: 'bad',
    icon: problem.side === 'network' ? 'offline' : 'alert',
    shownMs: SHOWN_PROBLEM_MS,
    ...(action ? { action } : {}),
  })
}
