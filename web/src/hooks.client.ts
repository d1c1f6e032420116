/** Turns whatever stops a page into a problem that a person can read. */
import type { HandleClientError } from '@sveltejs/kit/hooks'
import { updated } from '$app/state'
import { localProblem, offlineProblem, problemOf, unreachableProblem } from '#lib/api/problem.ts'
import type { Problem } from '#lib/api/types.ts'
import { t } from '#lib/i18n/core.ts'

export const handleError: HandleClientError = async ({ kind, error }) => {
  if (kind === 'app') return error
  if (kind === 'framework') return { message: error.message }
  const isMissingCode =
    error instanceof Error &&
    /dynamically imported module|module script failed|preload css/i.test(error.message)
  const problem = isMissingCode ? await whyCodeIsMissing() : problemOf(error)
  return { message: problem.detail, problem }
}

/** A page's code that is gone belongs to a build that the server has replaced; else it did not come through. */
async function whyCodeIsMissing(): Promise<Problem> {
  if (await updated.check().catch(() => false))
    return localProblem({
      code: 'new-version',
      side: 'us',
      title: t('problem.newVersion.title'),
      detail: t('problem.newVersion.detail'),
      next: t('problem.newVersion.next'),
    })
  return navigator.onLine === false ? offlineProblem() : unreachableProblem()
}
