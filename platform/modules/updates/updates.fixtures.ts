/** Browsers' ends of event streams, for tests: a listening server and ears on it. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import type { Update } from '../../../contract/updates.ts'
import type { Receipt } from '../../../contract/uploads.ts'
import { openApi } from '../../../tests/support/api.ts'
import type { TestAccount, World } from '../../../tests/support/world.ts'
import { publishLive } from '../../app/live.ts'
import { accountRoutes } from '../accounts/index.ts'
import { createUpdateRoutes, type UpdateOptions } from './index.ts'

interface Heard {
  readonly event: string
  readonly id: string | null
  readonly data: string
}

/** A browser's end of a stream. */
export interface Ear extends Disposable {
  readonly status: number
  readonly answer: IncomingMessage
  readonly text: () => string
  readonly heard: () => Heard[]
  readonly updates: () => Update[]
  readonly isOver: () => boolean
}

/** Everything but receipts is loaded by the real modules. */
export const receiptOf = (id: string): Receipt => ({
  id,
  videoId: id,
  filename: 'a.mp4',
  sizeBytes: 1,
  receivedBytes: 1,
  state: 'safe',
  isPublishRequested: true,
  publishedAt: null,
  sha256: null,
  playableHeight: null,
  progress: null,
  timeLeftS: null,
  waitsFor: null,
  failure: null,
  caption: '',
  visibility: 'public',
  createdAt: '2026-01-01T00:00:00.000Z',
  safeAt: null,
  playableAt: null,
  completeAt: null,
  endedAt: null,
  posterUrl: null,
  asOf: '2026-01-01T00:00:00.000Z',
})

/** A server of its own that speaks of accounts and live updates. */
export async function openServer(world: World, options: Partial<UpdateOptions> = {}) {
  const loadReceipt = async (_ctx: unknown, id: string) => receiptOf(id)
  const api = await openApi(world, accountRoutes, createUpdateRoutes({ loadReceipt, ...options }))
  await api.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = api.app.server.address() as AddressInfo
  return {
    api,
    async listen(as: TestAccount | null, query = '', headers: Record<string, string> = {}): Promise<Ear> {
      const asking = get({
        port,
        path: `/api/v1/updates${query}`,
        headers: { ...as?.headers, ...headers },
        agent: false,
      })
      const [answer] = (await once(asking, 'response')) as [IncomingMessage]
      let text = ''
      let isOver = false
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.on('close', () => (isOver = true)).on('error', () => {})
      const heard = () => parse(text)
      return {
        status: answer.statusCode!,
        answer,
        text: () => text,
        heard,
        updates: () =>
          heard()
            .filter((one) => one.event === 'message')
            .map((one) => JSON.parse(one.data) as Update),
        isOver: () => isOver,
        [Symbol.dispose]: () => asking.destroy(),
      }
    },
    [Symbol.asyncDispose]: async () => {
      api.app.server.closeAllConnections()
      await api[Symbol.asyncDispose]()
    },
  }
}

function parse(text: string): Heard[] {
  const field = (block: string, name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null
  return text
    .split('\n\n')
    .filter((block) => /^data: /m.test(block))
    .map((block) => ({
      event: field(block, 'event') ?? 'message',
      id: field(block, 'id'),
      data: field(block, 'data')!,
    }))
}

/** A signed-in browser's stream begins with its number of unread notifications. */
export async function isReady(ear: Ear): Promise<void> {
  await expect.poll(() => kinds(ear, 'notification').length, { timeout: 20_000 }).toBeGreaterThan(0)
}
/** Resolves when the process has heard everything that was committed before the call. */
export async function settle(world: World, ear: Ear, account: TestAccount): Promise<void> {
  const uploadId = world.ctx.newId()
  const update = { kind: 'receipt', uploadId } as const
  await publishLive(world.ctx.db, { topic: `account:${account.id}`, update })
  await expect.poll(() => ear.text(), { timeout: 20_000 }).toContain(uploadId)
}
/** The updates of that kind that were heard. */
export const kinds = (ear: Ear, kind: Update['kind']) =>
  ear.updates().filter((update) => update.kind === kind)
