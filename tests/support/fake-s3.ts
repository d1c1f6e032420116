/**
 * A far service that speaks as much of S3 as backups use. It believes nobody: it computes each signature anew from what
 * came over the wire, by the specification's words, and the hash of each body.
 */
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeS3 extends AsyncDisposable {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly credentials: { readonly accessKey: string; readonly secretKey: string }
  /** What lies in the bucket. */
  readonly objects: Map<string, Buffer>
  /** Uploads in parts that were neither ended nor given up. */
  readonly unfinishedCount: number
  /** `PUT key` of every request so far, those that were refused included. */
  readonly requests: string[]
  /** Asked before each request: what it does instead of answering. Null: nothing. */
  trouble: (request: string) => 'break off' | 403 | 503 | null
}

/** Amazon's own refuses smaller ones, but for the last. */
const PART_MIN_BYTES = 64
const PAGE = 3
const CLOCK_SKEW_MS = 15 * 60_000

interface Upload {
  readonly key: string
  readonly parts: Map<number, Buffer>
}

class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
}

export async function startFakeS3(): Promise<FakeS3> {
  const [bucket, region] = ['kept', 'eu-test-1']
  const credentials = { accessKey: 'AKTEST', secretKey: randomUUID() }
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, Upload>()
  const requests: string[] = []
  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://fake')
    const key = decodeURIComponent(url.pathname.slice(bucket.length + 2))
    const name = `${request.method} ${key || '?'}${url.search.replace(/uploadId=[^&]*/, 'uploadId')}`
    requests.push(name)
    const trouble = fake.trouble(name)
    if (trouble === 'break off') return void request.socket.destroy()
    try {
      const body = await readAll(request)
      if (trouble !== null) throw new Refusal(trouble, trouble === 503 ? 'SlowDown' : 'AccessDenied')
      authenticate(request, body, { ...credentials, region })
      if (!url.pathname.startsWith(`/${bucket}/`)) throw new Refusal(404, 'NoSuchBucket')
      const answer = key === '' ? listIn(url.searchParams) : answerFor(request.method!, key, url, body)
      send(response, answer)
    } catch (error) {
      const { status, code } = error instanceof Refusal ? error : new Refusal(500, 'InternalError')
      send(response, {
        status,
        body: `<Error><Code>${code}</Code><Message>${String(error)}</Message></Error>`,
      })
    }
  })

  function answerFor(method: string, key: string, { searchParams }: URL, body: Buffer): Answer {
    const uploadId = searchParams.get('uploadId')
    if (method === 'POST' && searchParams.has('uploads')) {
      const id = `${randomUUID()}&<1>`
      uploads.set(id, { key, parts: new Map() })
      return { body: `<R><UploadId>${escape(id)}</UploadId></R>` }
    }
    if (uploadId !== null) return answerForUpload(method, { key, uploadId, body, query: searchParams })
    const found = objects.get(key)
    if (method === 'PUT') return objects.set(key, body) && { tag: tagOf(body) }
    if (method === 'DELETE') return (objects.delete(key), { status: 204 })
    if (!found) throw new Refusal(404, 'NoSuchKey')
    return { body: method === 'HEAD' ? '' : found }
  }

  function answerForUpload(
    method: string,
    input: { key: string; uploadId: string; body: Buffer; query: URLSearchParams },
  ): Answer {
    const upload = uploads.get(input.uploadId)
    if (!upload || upload.key !== input.key) throw new Refusal(404, 'NoSuchUpload')
    if (method === 'DELETE') return (uploads.delete(input.uploadId), { status: 204 })
    if (method === 'PUT') {
      upload.parts.set(Number(input.query.get('partNumber')), input.body)
      return { tag: tagOf(input.body) }
    }
    const named = [...input.body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)<\/ETag>/g)]
    const parts = named.map(([, number, tag], place) => {
      const part = upload.parts.get(Number(number))
      if (!part || tagOf(part) !== tag || Number(number) !== place + 1) throw new Refusal(400, 'InvalidPart')
      if (place < named.length - 1 && part.length < PART_MIN_BYTES) throw new Refusal(400, 'EntityTooSmall')
      return part
    })
    objects.set(input.key, Buffer.concat(parts))
    uploads.delete(input.uploadId)
    return { body: '<CompleteMultipartUploadResult></CompleteMultipartUploadResult>' }
  }

  function listIn(query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? ''
    const isOfUploads = query.has('uploads')
    const all = isOfUploads
      ? [...uploads].map(([id, { key }]) => ({ key, id, size: 0 }))
      : [...objects].map(([key, bytes]) => ({ key, id: '', size: bytes.length }))
    const matching = all.filter(({ key }) => key.startsWith(prefix)).sort((a, b) => (a.key < b.key ? -1 : 1))
    const after = query.get('continuation-token') ?? query.get('key-marker')
    const rest = after === null ? matching : matching.filter(({ key }) => key > after)
    const page = rest.slice(0, PAGE)
    const isTruncated = rest.length > PAGE
    const last = escape(page.at(-1)?.key ?? '')
    const next = isOfUploads
      ? `<NextKeyMarker>${last}</NextKeyMarker>`
      : `<NextContinuationToken>${last}</NextContinuationToken>`
    const items = page.map(({ key, id, size }) =>
      isOfUploads
        ? `<Upload><Key>${escape(key)}</Key><UploadId>${escape(id)}</UploadId></Upload>`
        : `<Contents><Key>${escape(key)}</Key><Size>${size}</Size></Contents>`,
    )
    return {
      body: `<R><IsTruncated>${isTruncated}</IsTruncated>${isTruncated ? next : ''}${items.join('')}</R>`,
    }
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const fake: FakeS3 = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ bucket, region, credentials, objects, requests },
    get unfinishedCount() {
      return uploads.size
    },
    trouble: () => null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return fake
}

interface Answer {
  readonly status?: number
  readonly body?: string | Buffer
  readonly tag?: string
}

function send(response: ServerResponse, { status = 200, body = '', tag }: Answer): void {
  if (tag) response.setHeader('etag', tag)
  response.writeHead(status).end(body)
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** From the request line and headers as they came, not as a client thinks that it sent them. */
function authenticate(
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  { accessKey, secretKey, region }: { accessKey: string; secretKey: string; region: string },
): void {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  const time = String(headers['x-amz-date'])
  const sentAt = Date.parse(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
  if (!given || Number.isNaN(sentAt)) throw new Refusal(403, 'AccessDenied')
  if (Math.abs(Date.now() - sentAt) > CLOCK_SKEW_MS) throw new Refusal(403, 'RequestTimeTooSkewed')
  const [, credential, signed, signature] = given as unknown as [string, string, string, string]
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  if (credential !== `${accessKey}/${scope}`) throw new Refusal(403, 'InvalidAccessKeyId')
  const names = signed.split(';')
  for (const name of ['host', 'x-amz-date', 'x-amz-content-sha256'])
    if (!names.includes(name)) throw new Refusal(403, 'AccessDenied')
  const sha256 = createHash('sha256').update(body).digest('hex')
  if (headers['x-amz-content-sha256'] !== sha256) throw new Refusal(400, 'XAmzContentSHA256Mismatch')
  const [path, query = ''] = url!.split('?') as [string, string?]
  const lines = names.map((name) => `${name}:${String(headers[name]).trim()}\n`).join('')
  const canonical = `${method}\n${path}\n${query.split('&').sort().join('&')}\n${lines}\n${signed}\n${sha256}`
  const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`
  let key: Buffer = Buffer.from(`AWS4${secretKey}`)
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  const expected = createHmac('sha256', key).update(text).digest()
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex')))
    throw new Refusal(403, 'SignatureDoesNotMatch')
}

const tagOf = (body: Buffer): string => `"${createHash('md5').update(body).digest('hex')}"`

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
