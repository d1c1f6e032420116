/** The operators: how they sign in, and the cockpit in which they work. */
import { inScope } from '../../kit/http/fastify-scope.ts'
import type { WatchCtx } from '../app/context.ts'
import type { WatchRoutes } from '../http/http.ts'
import { answerErrorsWithPages } from '../pages/error-page.ts'
import type { OnCallParts } from '../on-call/index.ts'
import { acceptForms } from '../pages/send-page.ts'
import { openOperatorAuth, type OperatorAuth } from './auth.ts'
import { registerCockpit } from './cockpit.routes.ts'
import { offerFirstOperator } from './invitations.ts'
import { openKnownDevices, type KnownDevices } from './known-device.ts'
import { registerSignIn } from './sign-in.routes.ts'

export { rotateWatchKeys } from './rotate-keys.ts'

export interface Operators extends Disposable {
  readonly auth: OperatorAuth
  readonly devices: KnownDevices
}

/** Opens the accounts; with nobody in them, leaves the link for the first operator in the data folder. */
export async function openOperators(ctx: WatchCtx): Promise<Operators> {
  const auth = await openOperatorAuth(ctx)
  if (auth.count() === 0)
    await offerFirstOperator(ctx, ctx.config.publicUrl ?? `http://localhost:${ctx.config.port}`)
  const devices = await openKnownDevices(ctx)
  return { auth, devices, [Symbol.dispose]: () => auth[Symbol.dispose]() }
}

/** Everything below /operate. */
export const operatorRoutes =
  ({ auth, devices }: Operators, onCall: OnCallParts): WatchRoutes =>
  (app, ctx) => {
    inScope(app, async (scope) => {
      answerErrorsWithPages(scope, ctx)
      acceptForms(scope)
      registerSignIn(scope, ctx, { auth, devices })
      registerCockpit(scope, ctx, auth, onCall)
    })
  }
