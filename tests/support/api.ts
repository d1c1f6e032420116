/** HTTP for tests: some modules' routes on an app of their own, asked without a network. */
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Ctx } from '../../platform/app/context.ts'
import type { App, Routes } from '../../platform/app/http.ts'
import { mountApi } from '../../platform/roles/mount.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface TestApi extends AsyncDisposable {
  readonly app: App
  /** Asks `/api/v1` + path, signed in as the account, or (null) signed out. */
  call(
    method: Method,
    path: string,
    as?: { readonly headers: { readonly cookie: string } } | null,
    options?: Pick<InjectOptions, 'payload' | 'headers'>,
  ): Promise<LightMyRequestResponse>
}

/** Mounts the routes; `await using` closes the app. */
export async function openApi(world: { readonly ctx: Ctx }, ...routes: Routes[]): Promise<TestApi> {
  const app = await mountApi(world.ctx, routes)
  await app.ready()
  return {
    app,
    call: (method, path, as = null, options = {}) =>
      app.inject({
        method,
        url: `/api/v1${path}`,
        ...options,
        headers: { ...as?.headers, ...options.headers },
      }),
    [Symbol.asyncDispose]: () => app.close(),
  }
}

/** Walks a list from its beginning to its end; answers the items of all pages. */
export async function readAllPages<T>(
  readPage: (cursor: string | null) => Promise<{ items: T[]; nextCursor: string | null }>,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | null = null
  do {
    const page: { items: T[]; nextCursor: string | null } = await readPage(cursor)
    items.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null)
  return items
}
