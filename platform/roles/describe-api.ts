/** /api/openapi.json: the operations under /api/v1 and nothing else, each with its words and whether it asks for a session. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { jsonSchemaTransform } from 'fastify-type-provider-zod'
import { SESSION_COOKIE } from '../modules/accounts/index.ts'
import { API_PREFIX } from './api-prefix.ts'
import { OPERATIONS, type Operation } from './operations.ts'

const SESSION = [{ session: [] }]
const SECURITY = { needed: SESSION, optional: [...SESSION, {}], unused: [] } as const

interface DescribedOperation extends Operation {
  readonly tag: string
  readonly method: string
  readonly path: string
}

const described: readonly DescribedOperation[] = Object.entries(OPERATIONS).flatMap(([tag, operations]) =>
  Object.entries(operations).map(([name, operation]) => {
    const [method, path] = name.split(' ') as [string, string]
    return { ...operation, tag, method, path: `${API_PREFIX}${path}` }
  }),
)

const wordsOf = ({ summary, tag, session }: DescribedOperation) => ({
  summary,
  tags: [tag],
  security: SECURITY[session],
})

/** How @fastify/swagger describes an app's own operations. */
export function describeApi(instanceName: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: instanceName, version: '1', license: { name: 'AGPL-3.0-or-later' } },
      tags: Object.keys(OPERATIONS).map((name) => ({ name })),
      components: {
        securitySchemes: { session: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE } },
      },
    },
    transform(input) {
      const { schema, url } = jsonSchemaTransform(input)
      const path = url.replaceAll(/:(\w+)/g, '{$1}')
      const operation = described.find((it) => it.path === path && it.method === input.route.method)
      // Pages, media and what is passed on to another role are no operations of their own.
      return operation
        ? { schema: { ...schema, ...wordsOf(operation) }, url }
        : { schema: { hide: true }, url }
    },
  }
}

/** The operations with a tag that another role answers, by path: this app passes them on and knows no more of them. */
export function describePassedOn(tag: string): Record<string, Record<string, object>> {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of described.filter((it) => it.tag === tag)) {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: {
        ...wordsOf(operation),
        parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
        responses: { default: { description: 'As the role that answers it describes' } },
      },
    }
  }
  return paths
}
