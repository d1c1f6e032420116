/** Failures in which something has answered: our words for answers that bring none of their own. */
import { t as rare } from '#lib/i18n/rare.ts'
import { localProblem } from './problem.ts'
import type { Problem } from './types.ts'

/** Answered, but not by our server: captive portals and proxies send pages with any status. */
export function badAnswerProblem(): Problem {
  return localProblem({
    code: 'bad-answer',
    side: 'network',
    title: rare('problem.badAnswer.title'),
    detail: rare('problem.badAnswer.detail'),
    next: rare('problem.badAnswer.next'),
  })
}

export function serverFaultProblem(status: number): Problem {
  return localProblem({
    code: 'server-fault',
    side: 'us',
    status,
    title: rare('problem.serverFault.title'),
    detail: rare('problem.serverFault.detail', { status: String(status) }),
    next: rare('problem.serverFault.next'),
  })
}

export function notFoundProblem(path: string): Problem {
  return localProblem({
    code: 'not-found',
    side: 'you',
    status: 404,
    title: rare('problem.notFound.title'),
    detail: rare('problem.notFound.detail', { path }),
    next: rare('problem.notFound.next'),
  })
}
