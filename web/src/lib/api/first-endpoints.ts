/** What the first page asks of the API; the rest is in `endpoints.ts`. */
import { request, type RequestOptions } from './client.ts'
import type { FeedPage, Instance, MeResponse, ViewReport } from './types.ts'

type Cursor = string | null
export interface ReadOptions {
  readonly cursor?: Cursor
  readonly limit?: number
  readonly signal?: AbortSignal
}

export function readPage<T>(path: string, { cursor, limit, signal }: ReadOptions = {}): Promise<T> {
  return request<T>(path, { query: { cursor, limit }, ...(signal ? { signal } : {}) })
}

export const readMe = (options: Pick<RequestOptions, 'signal'> = {}) => request<MeResponse>('/me', options)
export const signOut = () => request<void>('/sessions/current', { method: 'DELETE' })
export const reportViews = (views: ViewReport[], idempotencyKey: string) =>
  request<void>('/views', {
    method: 'POST',
    body: { views },
    keepalive: true,
    idempotencyKey,
    isBackground: true,
  })

export type FeedKind = 'for-you' | 'following'
export const readFeed = (kind: FeedKind, options?: ReadOptions) =>
  readPage<FeedPage>(`/feed/${kind}`, options)
export const readInstance = () => request<Instance>('/instance')
