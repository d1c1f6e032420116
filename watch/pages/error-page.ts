/** Errors as a person reads them: what failed, whose side it is on, whether the work is kept, what to do next. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { toProblemBody } from '../../kit/http/problem-details.ts'
import type { WatchCtx } from '../app/context.ts'
import { WatchError } from '../app/errors.ts'
import { sendError, type WatchApp } from '../http/http.ts'
import { html } from './html.ts'
import { renderPage } from './layout.ts'
import { serverLinks } from './links.ts'
import { sendPage } from './send-page.ts'

const SIDES = { you: 'on your side', us: 'on our side', network: 'between you and us' } as const

/** Lets this scope answer browsers with a page; programs still get problem details. */
export function answerErrorsWithPages(app: WatchApp, ctx: WatchCtx): void {
  app.setErrorHandler((error, request, reply) =>
    error instanceof WatchError && error.code !== 'unexpected' && wantsPage(request)
      ? sendErrorPage(error, request, reply)
      : sendError(ctx, error, request, reply),
  )
}

/** Sends the error as a page. */
export function sendErrorPage(error: WatchError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblemBody(error, request.id)
  const page = renderPage({
    title: problem.title,
    serviceName: null,
    links: serverLinks(''),
    isIndexed: false,
    body: html`<h1>${problem.title}</h1>
      <section class="card prose">
        <p>${problem.detail}</p>
        <p><b>What to do:</b> ${problem.next}</p>
        <p class="sub">
          It is ${SIDES[problem.side]}.
          ${problem.isWorkKept === true && 'What you entered is not lost: go back and it is there.'}${problem.isWorkKept === false && 'What you sent was not kept.'}
        </p>
        ${problem.retryAfterS !== undefined && html`<p class="sub">Wait ${Math.ceil(problem.retryAfterS)} s before you try again.</p>`}
      </section>
      <p class="acts">
        ${error.code === 'signed-out' && html`<a class="btn main" href="${signInHref(request)}">Sign in</a>`}<a
          class="btn"
          href="/"
          >What is watched</a
        >
      </p>
      <p class="faint">${problem.code} · ${request.id}</p>`,
  })
  if (problem.retryAfterS !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfterS))
  return sendPage(reply, page, { status: problem.status, maxAgeS: 0 })
}

/** Where operators sign in, and whence they come back to the page that they asked for. */
const signInHref = ({ method, url }: FastifyRequest): string =>
  method === 'GET' ? `/operate?back=${encodeURIComponent(url)}` : '/operate'

const wantsPage = (request: FastifyRequest): boolean => request.headers.accept?.includes('text/html') ?? false
