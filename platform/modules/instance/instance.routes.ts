/** HTTP of the instance's own facts. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { Instance } from '../../../contract/instance.ts'
import { problemKinds } from '../../app/errors.ts'
import { originOf, type Routes } from '../../app/http.ts'
import { watchStatusUrlFor } from '../../app/watch-address.ts'
import { isSignUpOpen } from '../accounts/index.ts'
import { createOperatorName } from './operator-name.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

const Package = z.object({
  version: z.string(),
  repository: z.union([z.string(), z.object({ url: z.string() })]).optional(),
})
const WebBuild = z.object({ version: z.string() })

async function readJson<T>(path: string, shape: z.ZodType<T>): Promise<T> {
  return shape.parse(JSON.parse(await readFile(join(ROOT, path), 'utf8')))
}

/** The build of the web app; "none" where it was not built. */
async function readWebBuild(): Promise<string> {
  try {
    return (await readJson('web/build/_app/version.json', WebBuild)).version
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none'
    throw error
  }
}

/** The address of a package's repository as a browser opens it; null: there is none that it could. */
export function webAddressOf(repository: z.infer<typeof Package>['repository']): string | null {
  const url = (typeof repository === 'string' ? repository : repository?.url)
    ?.replace(/^git\+/, '')
    .replace(/\.git$/, '')
  return url && /^https?:/.test(url) && URL.canParse(url) ? url : null
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
  const { version, repository } = await readJson('package.json', Package)
  const operatorName = createOperatorName(ctx)
  const webBuild = await readWebBuild()
  const sourceUrl = ctx.config.sourceUrl ?? webAddressOf(repository)

  app.get('/instance', { schema: { response: { 200: Instance } } }, async (request, reply) => {
    // The watch's check compares a browser's build with ours, from its own origin.
    reply.header('cache-control', 'no-cache').header('access-control-allow-origin', '*')
    reply.header('cdn-cache-control', 'max-age=5, stale-while-revalidate=60, stale-if-error=86400')
    return {
      name: ctx.config.instanceName,
      version,
      webBuild,
      oldestClient: ctx.config.oldestClient,
      isSecureContext:
        originOf(ctx, request).startsWith('https:') || ['localhost', '127.0.0.1'].includes(request.hostname),
      operatorHandle: operatorName(),
      isSignUpOpen: await isSignUpOpen(ctx),
      sourceUrl,
      watchStatusUrl: watchStatusUrlFor(ctx.config.watchUrl, request.hostname),
      mediaUrls: [...ctx.config.mediaUrls],
      otherUrls: [...ctx.config.otherUrls],
    }
  })

  app.get('/problems', { schema: { response: { 200: ProblemKinds } } }, async () => ({
    items: Object.entries(problemKinds).map(([code, kind]) => ({ code, ...kind })),
  }))
}
