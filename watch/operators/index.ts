/** The operators: how they sign in, and the cockpit in which they work. */
import { inScope } from '../../kit/fastify-scope.ts'
import type { WatchCtx } from '../app/context.ts'
import type { WatchRoutes } from '../http/http.ts'
import { answerErrorsWithPages } from '../pages/error-page.ts'
import { acceptForms } from '../pages/send-page.ts'
import { openOperatorAuth, type OperatorAuth } from './auth.ts'
import { registerCockpit } from './cockpit.routes.ts'
import { offerFirstOperator } from './invitations.ts'
import { registerSignIn } from './sign-in.routes.ts'

export type { OperatorAuth } from './auth.ts'

/** Opens the accounts; with nobody in them, leaves the link for the first operator in the data folder. */
export async function openOperators(ctx: WatchCtx): Promise<OperatorAuth> {
  const auth = await openOperatorAuth(ctx)
  if (auth.count() === 0)
    await offerFirstOperator(ctx, ctx.config.publicUrl ?? `http://localhost:${ctx.config.port}`)
  return auth
}

/** Everything below /operate. */
export const operatorRoutes =
  (auth: OperatorAuth): WatchRoutes =>
  (app, ctx) => {
    inScope(app, async (scope) => {
      answerErrorsWithPages(scope, ctx)
      acceptForms(scope)
      registerSignIn(scope, ctx, auth)
      registerCockpit(scope, ctx, auth)
    })
  }
