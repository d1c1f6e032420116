/** /api/openapi.json: what programs may ask of the watch, out of the routes themselves and the table of their words. */
import swagger from '@fastify/swagger'
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import type { WatchCtx } from '../../app/context.ts'
import type { WatchApp } from '../../http/http.ts'
import { OPERATIONS, type Operation } from './operations.ts'

const SIGNED = { key: [], timestamp: [], nonce: [], signature: [] }
const SECURITY = { open: [], signed: [SIGNED], 'signed-or-bearer': [SIGNED, { bearer: [] }] } as const

interface DescribedOperation extends Operation {
  readonly tag: string
}

const described: ReadonlyMap<string, DescribedOperation> = new Map(
  Object.entries(OPERATIONS).flatMap(([tag, operations]) =>
    Object.entries(operations).map(([name, operation]) => [name, { ...operation, tag }] as const),
  ),
)

/** Before any route is mounted: only those that come later are described. */
export async function registerDescription(app: WatchApp, ctx: WatchCtx): Promise<void> {
  await app.register(swagger, describeApi(ctx.config.name))
  app.get('/api/openapi.json', { schema: { hide: true } }, (_request, reply) =>
    reply.header('access-control-allow-origin', '*').send(app.swagger()),
  )
}

function describeApi(name: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: name, version: '1', license: { name: 'AGPL-3.0-or-later' } },
      tags: Object.keys(OPERATIONS).map((tag) => ({ name: tag })),
      components: {
        securitySchemes: {
          key: { type: 'apiKey', in: 'header', name: 'Upbeat-Key' },
          timestamp: { type: 'apiKey', in: 'header', name: 'Upbeat-Timestamp' },
          nonce: { type: 'apiKey', in: 'header', name: 'Upbeat-Nonce' },
          signature: { type: 'apiKey', in: 'header', name: 'Upbeat-Signature' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
    },
    transform(input) {
      const { url, route, schema } = input
      const path = url.replaceAll(/:(\w+)/g, '{$1}')
      const operation = described.get(`${String(route.method)} ${path}`)
      // What a browser asks before it may (CORS), and pages for people.
      const isHidden = route.method === 'OPTIONS' || (!operation && !path.startsWith('/api/'))
      if (isHidden) return { schema: { hide: true }, url }
      const known = operation ? withShapes(schema, operation) : schema
      const { schema: shapes } = jsonSchemaTransform({ ...input, schema: known })
      return { schema: { ...shapes, ...(operation && wordsOf(operation, shapes.response)) }, url }
    },
  }
}

/** The shapes that the route checks by itself, besides those that Fastify checks. */
function withShapes<Schema extends object>(schema: Schema, { body, answer }: Operation): Schema {
  return { ...schema, ...(body && { body }), ...(answer && { response: { 200: answer } }) }
}

const wordsOf = ({ summary, tag, access, status = 200 }: DescribedOperation, response: unknown) => ({
  summary,
  tags: [tag],
  security: SECURITY[access],
  response: {
    ...((response as object | undefined) ?? { [status]: { description: 'Done' } }),
    default: { description: 'A problem (RFC 9457); its code is one of /api/v1/problems' },
  },
})
