/** A listening ingest role for tests, without lanes of jobs, and a client that speaks tus by hand. */
import { randomFillSync } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { inScope } from '../../kit/http/fastify-scope.ts'
import { createApp, type App } from '../../platform/app/http.ts'
import type { Ctx } from '../../platform/app/context.ts'
import { registerSessions } from '../../platform/modules/accounts/index.ts'
import { uploadRoutes } from '../../platform/modules/uploads/index.ts'
import type { Receipt } from '../../contract/uploads.ts'
import type { TestAccount } from './world.ts'

export interface TestIngest extends AsyncDisposable {
  readonly app: App
  readonly url: string
  /** A tus client signed in as the account. */
  as(account: TestAccount): TusClient
}

/** @param mountMore what else the app serves, at its root. */
export async function startIngest(ctx: Ctx, mountMore: (app: App) => void = () => {}): Promise<TestIngest> {
  const app = createApp(ctx)
  mountMore(app)
  await inScope(app, async (scope) => {
    registerSessions(scope, ctx)
    await uploadRoutes(scope, ctx)
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return {
    app,
    url,
    as: (account) => createTusClient(url, account),
    async [Symbol.asyncDispose]() {
      const closed = app.close()
      // A connection whose request was answered before all of it came counts as busy until it has idled away.
      app.server.closeAllConnections()
      await closed
    },
  }
}

type HeaderMap = Record<string, string>

export type TusClient = ReturnType<typeof createTusClient>

export function createTusClient(url: string, account: TestAccount) {
  const send = (method: string, path: string, headers: HeaderMap = {}, body?: RequestInit['body']) =>
    fetch(`${url}${path}`, {
      method,
      headers: { 'tus-resumable': '1.0.0', ...account.headers, ...headers },
      ...(body !== undefined && { body, duplex: 'half' }),
    } as RequestInit)
  return {
    headers: { 'tus-resumable': '1.0.0', ...account.headers },
    send,
    create: (sizeBytes: number, metadata: HeaderMap = {}, headers: HeaderMap = {}) =>
      send('POST', '/uploads', {
        'upload-length': String(sizeBytes),
        'upload-metadata': encodeMetadata({ filename: 'clip.mp4', ...metadata }),
        ...headers,
      }),
    /** Creates and answers the path of the upload. */
    async start(sizeBytes: number, metadata: HeaderMap = {}): Promise<string> {
      const response = await this.create(sizeBytes, metadata)
      if (response.status !== 201) throw new Error(await response.text())
      return response.headers.get('location')!
    },
    patch: (path: string, offset: number, body: RequestInit['body'], headers: HeaderMap = {}) =>
      send(
        'PATCH',
        path,
        { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream', ...headers },
        body,
      ),
    async offset(path: string): Promise<number> {
      return Number((await send('HEAD', path)).headers.get('upload-offset') ?? Number.NaN)
    },
    receipt: async (path: string): Promise<Receipt> => (await send('GET', path)).json(),
  }
}

export const encodeMetadata = (metadata: HeaderMap) =>
  Object.entries(metadata)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')

const INDEX_BYTES = 8

/** Bytes that look like an MP4 with an (empty) index at its end, and are random otherwise: the encoder waits for all. */
export function makeFileBytes(sizeBytes: number): Buffer<ArrayBuffer> {
  const bytes = Buffer.alloc(sizeBytes)
  randomFillSync(bytes)
  bytes.writeUInt32BE(16, 0)
  bytes.write('ftypisom\0\0\0\0isom', 4, 'latin1')
  bytes.writeUInt32BE(1, 16)
  bytes.write('mdat', 20, 'latin1')
  bytes.writeBigUInt64BE(BigInt(sizeBytes - 16 - INDEX_BYTES), 24)
  bytes.writeUInt32BE(INDEX_BYTES, sizeBytes - INDEX_BYTES)
  bytes.write('moov', sizeBytes - INDEX_BYTES + 4, 'latin1')
  return bytes
}
