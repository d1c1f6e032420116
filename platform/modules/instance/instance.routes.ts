/** HTTP of the instance's own facts. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Instance } from '../../../contract/instance.ts'
import { problemKinds } from '../../app/errors.ts'
import { originOf, type Routes } from '../../app/http.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

async function readField(path: string, field: string, otherwise: string): Promise<string> {
  try {
    return z
      .string()
      .parse((JSON.parse(await readFile(join(ROOT, path), 'utf8')) as Record<string, unknown>)[field])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return otherwise
    throw error
  }
}

const ProblemKinds = z.object({
  items: z.array(
    z.object({
      code: z.string(),
      status: z.int(),
      side: z.string(),
      title: z.string(),
      isWorkKept: z.boolean().nullable(),
      next: z.string(),
    }),
  ),
})

export const instanceRoutes: Routes = async (app, ctx) => {
  const version = await readField('package.json', 'version', 'unknown')
  const webBuild = await readField('web/build/_app/version.json', 'version', 'none')

  app.get('/instance', { schema: { response: { 200: Instance } } }, async (request, reply) => {
    reply.header('cache-control', 'no-cache')
    return {
      name: ctx.config.instanceName,
      version,
      webBuild,
      isSecureContext:
        originOf(ctx, request).startsWith('https:') || ['localhost', '127.0.0.1'].includes(request.hostname),
    }
  })

  app.get('/problems', { schema: { response: { 200: ProblemKinds } } }, async () => ({
    items: Object.entries(problemKinds).map(([code, kind]) => ({ code, ...kind })),
  }))
}
