/** Uploads a film as the web app does: the creating POST, the index ahead of the film, then the bytes by tus. */
import { randomUUID } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { open } from 'node:fs/promises'
import { request as openRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Receipt } from '../../contract/uploads.ts'
import { readMp4Facts } from '../../web/src/lib/upload/mp4-index.ts'

/** As web/src/lib/upload/transfer.ts. */
const CHUNK_BYTES = 32 * 1024 * 1024
const READ_BYTES = 64 * 1024
const TUS = { 'tus-resumable': '1.0.0' }
const POLL_MS = 50
const COMPLETE_TIMEOUT_MS = 15 * 60_000

export interface Person {
  readonly handle: string
  readonly password: string
  readonly cookie: string
}

export interface Film {
  readonly path: string
  readonly filename: string
  readonly mediaType: string
  readonly caption?: string
}

/** Signs up a new account. */
export async function signUp(url: string): Promise<Person> {
  const handle = `person_${randomUUID().slice(0, 8)}`
  const password = `a password of ${handle}`
  const response = await fetch(`${url}/api/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ handle, password }),
  })
  if (!response.ok) throw new Error(`sign-up: ${response.status} ${await response.text()}`)
  return { handle, password, cookie: response.headers.getSetCookie()[0]!.split(';')[0]! }
}

/**
 * Sends the whole film to `url` and answers when the last byte is acknowledged.
 *
 * @param onLastByteSent called when the last byte has been given to the network
 */
export async function uploadFilm(
  url: string,
  person: Person,
  film: Film,
  onLastByteSent: () => void = () => {},
): Promise<Receipt> {
  const blob = await openAsBlob(film.path)
  const facts = await readMp4Facts(blob)
  const created = await expectOk(
    await fetch(`${url}/api/v1/uploads`, {
      method: 'POST',
      headers: {
        ...TUS,
        cookie: person.cookie,
        'upload-length': String(blob.size),
        'upload-metadata': encodeMetadata({
          filename: film.filename,
          filetype: film.mediaType,
          caption: film.caption ?? film.filename,
          publish: '1',
        }),
        'idempotency-key': randomUUID(),
      },
    }),
  )
  const receipt = (await created.json()) as Receipt
  const address = new URL(new URL(created.headers.get('location')!, url).pathname, url)
  if (facts?.isIndexLast && facts.index) {
    const { offset, sizeBytes } = facts.index
    await expectOk(
      await fetch(`${url}/api/v1/uploads/${receipt.id}/index`, {
        method: 'PUT',
        headers: {
          cookie: person.cookie,
          'content-type': 'application/octet-stream',
          'upload-index-offset': String(offset),
        },
        body: blob.slice(offset, offset + sizeBytes),
      }),
    )
  }
  for (let offset = 0; offset < blob.size; offset += CHUNK_BYTES) {
    const endOffset = Math.min(blob.size, offset + CHUNK_BYTES)
    const isLast = endOffset === blob.size
    await sendChunk(address, person, film.path, { offset, endOffset }, isLast ? onLastByteSent : () => {})
  }
  return receipt
}

/** A PATCH by node:http, which says when its last byte is out. */
async function sendChunk(
  address: URL,
  person: Person,
  path: string,
  { offset, endOffset }: { offset: number; endOffset: number },
  onSent: () => void,
): Promise<void> {
  await using file = await open(path)
  const bytes = file.createReadStream({
    start: offset,
    end: endOffset - 1,
    highWaterMark: READ_BYTES,
    autoClose: false,
  })
  await new Promise<void>((resolve, reject) => {
    const request = openRequest(
      address,
      {
        method: 'PATCH',
        headers: {
          ...TUS,
          cookie: person.cookie,
          'upload-offset': String(offset),
          'content-type': 'application/offset+octet-stream',
          'content-length': String(endOffset - offset),
        },
      },
      (response) => {
        response.resume()
        if (response.statusCode === 204) resolve()
        else reject(new Error(`PATCH at ${offset} answered ${response.statusCode}`))
      },
    )
    request.once('finish', onSent).once('error', reject)
    bytes.once('error', reject).pipe(request)
  })
}

export interface Milestones {
  /** By `performance.now()`, when this program learned of it. */
  readonly playableAtMs: number
  readonly completeAtMs: number
  readonly receipt: Receipt
}

/** Asks for the receipt again and again until it says `complete`. @throws when the upload failed */
export async function waitUntilComplete(
  url: string,
  person: Pick<Person, 'cookie'>,
  id: string,
): Promise<Milestones> {
  const deadlineMs = performance.now() + COMPLETE_TIMEOUT_MS
  let playableAtMs: number | null = null
  for (;;) {
    const receipt = await readReceipt(url, person, id)
    const nowMs = performance.now()
    if (receipt.state === 'playable' || receipt.state === 'complete') playableAtMs ??= nowMs
    if (receipt.state === 'complete') return { playableAtMs: playableAtMs!, completeAtMs: nowMs, receipt }
    if (receipt.state === 'failed' || receipt.state === 'cancelled' || nowMs > deadlineMs)
      throw new Error(`The upload stands at ${receipt.state}: ${JSON.stringify(receipt.failure)}`)
    await sleep(POLL_MS)
  }
}

async function readReceipt(url: string, person: Pick<Person, 'cookie'>, id: string): Promise<Receipt> {
  const response = await expectOk(
    await fetch(`${url}/api/v1/uploads/${id}`, { headers: { cookie: person.cookie } }),
  )
  return (await response.json()) as Receipt
}

async function expectOk(response: Response): Promise<Response> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`)
  return response
}

const encodeMetadata = (metadata: Readonly<Record<string, string>>) =>
  Object.entries(metadata)
    .map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`)
    .join(',')
