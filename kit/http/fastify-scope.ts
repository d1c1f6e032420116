/** Scopes of Fastify with the types of the instance that they belong to. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Log } from '../log.ts'

/** Fastify with our log, and types from the zod schemas of its routes. */
export type ZodApp = FastifyInstance<Server, IncomingMessage, ServerResponse, Log, ZodTypeProvider>

/**
 * Registers routes in a scope of their own: hooks, parsers and error handlers that they set hold for them alone.
 *
 * Fastify types the scope by its defaults, whatever log and type provider the instance has; at run time it inherits both
 * from the instance, so it is given the instance's type.
 */
export function inScope(
  app: ZodApp,
  plugin: (scope: ZodApp) => void | Promise<void>,
  options: { readonly prefix?: string } = {},
): PromiseLike<unknown> {
  return app.register(async (scope) => plugin(scope as unknown as ZodApp), options)
}
