/** Turns whatever stops a page into a problem that a person can read. */
import type { HandleClientError } from '@sveltejs/kit/hooks'
import { localProblem, problemOf } from '#lib/api/problem.ts'
import { t } from '#lib/i18n/core.ts'

export const handleError: HandleClientError = ({ kind, error }) => {
  if (kind === 'app') return error
  if (kind === 'framework') return { message: error.message }
  // A page's code that is gone belongs to a build that the server has replaced.
  const isMissingCode =
    error instanceof Error && /dynamically imported module|module script failed/i.test(error.message)
  const problem = isMissingCode
    ? localProblem({
        code: 'new-version',
        side: 'us',
        title: t('problem.newVersion.title'),
        detail: t('problem.newVersion.detail'),
        next: t('problem.newVersion.next'),
      })
    : problemOf(error)
  return { message: problem.detail, problem }
}
