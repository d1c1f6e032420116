/** What api and ingest share: sessions on every request, routes under /api/v1, and their description. */
import swagger from '@fastify/swagger'
import type { FastifyRequest } from 'fastify'
import { inScope } from '../../kit/http/fastify-scope.ts'
import { networkOf } from '../../kit/network/network-of.ts'
import type { Ctx } from '../app/context.ts'
import { openAbuse } from '../app/abuse/index.ts'
import { countsOf, openDoor } from '../app/admission.ts'
import { openClientGate } from '../app/client-gate.ts'
import { openFeatureGate } from '../app/feature-gate.ts'
import { createApp, type App, type AppOptions, type Routes } from '../app/http.ts'
import { openPoisonGate } from '../app/poison/index.ts'
import { openOtherAddresses } from '../app/other-addresses.ts'
import {
  onSessionRevoked,
  openRevocations,
  peekSessionToken,
  readSessionToken,
  registerSessions,
} from '../modules/accounts/index.ts'
import { openRegionGate } from '../modules/regions/index.ts'
import { API_PREFIX } from './api-prefix.ts'
import { ruleOfRoute } from './classes.ts'
import { featureOfRoute } from './features.ts'
import { describeApi, describePassedOn } from './describe-api.ts'

export interface MountOptions extends AppOptions {
  /** The tag of operations (operations.ts) that this app passes on to another role. */
  readonly passedOn?: string
  /** Whether people's own connections end here, so that limits count them. @default false */
  readonly isPublic?: boolean
}

/** Makes an app with sessions, with these modules' routes under /api/v1, and with /api/openapi.json. */
export async function mountApi(
  ctx: Ctx,
  routes: readonly Routes[],
  options: MountOptions = {},
): Promise<App> {
  const app = createApp(ctx, options)
  /** By what we have signed: of any other cookie a client can make as many as it takes to come first. */
  const personOf = (request: FastifyRequest): string =>
    readSessionToken(request.headers.cookie, ctx.secrets.session) ?? networkOf(request.ip)
  const revocations = openRevocations(ctx)
  if (options.isPublic) {
    // Whatever becomes of a request: the page may read why.
    openOtherAddresses(app, ctx.config)
    openRegionGate(app, ctx)
  }
  // Before sessions are looked up and bodies are read.
  const door = openDoor(app, ctx, {
    ruleOf: ruleOfRoute,
    sessionOf: (request) => peekSessionToken(request.raw.headers.cookie),
    onSessionEnded: (handler) => onSessionRevoked(ctx, handler),
    mayHaveEnded: (token) => revocations.mayBeRevoked(token),
  })
  if (door) {
    ctx.steward.watchGate(() => countsOf(door))
    ctx.vitals.addDoor(door)
  }
  const { session: secret } = ctx.secrets
  if (options.isPublic)
    openAbuse(app, ctx, {
      sessionOf: (cookies) => readSessionToken(cookies, secret),
      mayHaveEnded: (token) => revocations.mayBeRevoked(token),
      door,
    })
  openFeatureGate(app, ctx, featureOfRoute, personOf)
  if (options.isPublic) openPoisonGate(app, { ...ctx, dataDir: ctx.config.dataDir })
  await app.register(swagger, describeApi(ctx.config.instanceName))
  await inScope(
    app,
    async (scope) => {
      // Only here: media and the shell must not depend on the database.
      openClientGate(scope, ctx.config)
      registerSessions(scope, ctx, revocations)
      for (const register of routes) await register(scope, ctx)
    },
    { prefix: API_PREFIX },
  )
  app.get('/api/openapi.json', { schema: { hide: true } }, async () => {
    const document = app.swagger()
    const passedOn = options.passedOn === undefined ? {} : describePassedOn(options.passedOn)
    return { ...document, paths: { ...document.paths, ...passedOn } }
  })
  // What a module keeps in memory is true only while it hears of changes.
  await ctx.listener.settled()
  return app
}
