/** A small client of the HTTP API, as the demo's people use it. */
import type { Receipt } from '../../contract/uploads.ts'

export interface DemoClient {
  readonly handle: string
  /** True when the account is new. */
  signUpOrIn(handle: string, password: string): Promise<boolean>
  call<T = unknown>(method: string, path: string, body?: unknown, key?: string): Promise<T>
  putBytes(path: string, bytes: Uint8Array, contentType: string): Promise<void>
  /** Uploads by tus 1.0 and answers its receipt's id. A repeat with the same key goes on with the same upload. */
  upload(input: { bytes: Uint8Array; key: string; metadata: Record<string, string> }): Promise<{ id: string }>
  receipt(id: string): Promise<Receipt>
}

export class UnexpectedAnswerError extends Error {}

/** Opens a client of the instance at `url`; it keeps its own session cookie. */
export function openClient(url: string, signal: AbortSignal): DemoClient {
  let cookie = ''
  let handle = ''

  async function request(
    method: string,
    target: string,
    headers: Record<string, string>,
    body?: BodyInit,
  ): Promise<Response> {
    const response = await fetch(new URL(target, url), {
      method,
      headers: { ...headers, cookie },
      body: body ?? null,
      signal,
      redirect: 'error',
    })
    const setCookie = response.headers.getSetCookie()[0]
    if (setCookie) cookie = setCookie.split(';')[0]!
    return response
  }

  async function expectOk(response: Response): Promise<Response> {
    if (!response.ok)
      throw new UnexpectedAnswerError(
        `${response.status} from ${response.url}: ${detailOf(await response.text())}`,
      )
    return response
  }

  const client: DemoClient = {
    get handle() {
      return handle
    },
    async signUpOrIn(newHandle, password) {
      handle = newHandle
      const json = { 'content-type': 'application/json' }
      const made = await request('POST', '/api/v1/accounts', json, JSON.stringify({ handle, password }))
      if (made.ok) return true
      await expectOk(
        await request('POST', '/api/v1/sessions', json, JSON.stringify({ identifier: handle, password })),
      )
      return false
    },
    async call(method, path, body, key) {
      const headers = {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key && { 'idempotency-key': key }),
      }
      const response = await expectOk(
        await request(
          method,
          `/api/v1${path}`,
          headers,
          body === undefined ? undefined : JSON.stringify(body),
        ),
      )
      return (response.status === 204 ? null : await response.json()) as never
    },
    async putBytes(path, bytes, contentType) {
      await expectOk(
        await request(
          'PUT',
          `/api/v1${path}`,
          { 'content-type': contentType },
          bytes as Uint8Array<ArrayBuffer>,
        ),
      )
    },
    async upload({ bytes, key, metadata }) {
      const tus = { 'tus-resumable': '1.0.0' }
      const encoded = Object.entries(metadata).map(
        ([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`,
      )
      const created = await expectOk(
        await request('POST', '/api/v1/uploads', {
          ...tus,
          'upload-length': String(bytes.length),
          'upload-metadata': encoded.join(','),
          'idempotency-key': key,
        }),
      )
      const location = new URL(created.headers.get('location')!, url).pathname
      const head = await expectOk(await request('HEAD', location, tus))
      const offset = Number(head.headers.get('upload-offset'))
      if (offset < bytes.length) {
        const headers = {
          ...tus,
          'upload-offset': String(offset),
          'content-type': 'application/offset+octet-stream',
        }
        await expectOk(
          await request('PATCH', location, headers, bytes.subarray(offset) as Uint8Array<ArrayBuffer>),
        )
      }
      return { id: location.split('/').at(-1)! }
    },
    receipt: (id) => client.call<Receipt>('GET', `/uploads/${id}`),
  }
  return client
}

/** What a problem says for people (RFC 9457); of anything else its beginning. */
function detailOf(body: string): string {
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown }
    if (typeof detail === 'string') return detail
  } catch {
    // Said by something before the instance.
  }
  return body.slice(0, 300)
}
