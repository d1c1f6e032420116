/** What a service that speaks S3 answers when it refuses. */
import { readBounded } from '../http/read-bounded.ts'
import { textOf } from './xml.ts'

/** Beyond that it is no word of S3's, and is not read. */
const ANSWER_MAX_BYTES = 64 * 1024

export class S3Error extends Error {
  /** Null: there was no answer, or it broke off. */
  readonly status: number | null

  constructor(
    message: string,
    { status, cause }: { readonly status: number | null; readonly cause?: unknown },
  ) {
    super(message, { cause })
    this.status = status
  }

  /** Whether the same may go better a moment later. */
  get isPassing(): boolean {
    return this.status === null || this.status >= 500 || this.status === 429 || this.status === 408
  }
}

/** Says what the service said, and which request it was. */
export async function toS3Error(response: Response, request: string): Promise<S3Error> {
  const answer = await readBounded(response.body, ANSWER_MAX_BYTES).catch(() => null)
  const text = answer?.toString() ?? ''
  const code = textOf(text, 'Code')
  const said =
    code === null ? '' : `: ${code}${textOf(text, 'Message') ? ` (${textOf(text, 'Message')})` : ''}`
  const where =
    response.status === 301 || response.status === 307
      ? `; the bucket is elsewhere (${response.headers.get('x-amz-bucket-region') ?? 'no region was named'})`
      : ''
  return new S3Error(`${request} was answered by ${response.status}${said}${where}`, {
    status: response.status,
  })
}
