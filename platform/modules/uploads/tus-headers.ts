/** Headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload), read strictly. */
import { createHash, type Hash } from 'node:crypto'
import { UploadMetadata } from '../../../contract/uploads.ts'
import { describeFields, readInput } from '../../../kit/http/read-input.ts'
import { AppError } from '../../app/errors.ts'

export const TUS_VERSION = '1.0.0'
export const TUS_EXTENSIONS = 'creation,creation-with-upload,termination,checksum'
/** "The Server MUST support at least the SHA1 checksum algorithm identified by sha1." */
export const TUS_CHECKSUM_ALGORITHMS = ['sha1', 'sha256', 'md5'] as const
export const TUS_CONTENT_TYPE = 'application/offset+octet-stream'

/** Header values as Node.js gives them: lists only for headers that we never read. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

const textOf = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(',') : value)

const refuse = (header: string, message: string) =>
  new AppError('invalid-input', { detail: `${header}: ${message}`, fields: { [header]: message } })

/** "If the version specified by the Client is not supported by the Server, it MUST respond with 412." */
export function requireTusVersion(headers: Headers): void {
  if (headers['tus-resumable'] !== TUS_VERSION)
    throw new AppError('tus-version', { facts: { version: textOf(headers['tus-resumable']) ?? null } })
}

/** "The value MUST be a non-negative integer." */
export function readByteCount(headers: Headers, header: string): number {
  const text = textOf(headers[header.toLowerCase()])
  if (text === undefined || !/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text)))
    throw refuse(header, 'A whole number of bytes is needed.')
  return Number(text)
}

/**
 * "One or more comma-separated key-value pairs. The key and value MUST be separated by a space. The value MUST be Base64
 * encoded. All keys MUST be unique." Values are UTF-8 here.
 *
 * @throws {AppError} invalid-input naming the header or the field.
 */
export function readUploadMetadata(header: string): UploadMetadata {
  const pairs = new Map<string, string>()
  for (const pair of header === '' ? [] : header.split(',')) {
    const [, key, value = ''] = /^\s*([^\s,]+)(?: ([A-Za-z0-9+/]*={0,2}))?\s*$/.exec(pair) ?? []
    if (key === undefined)
      throw refuse('Upload-Metadata', 'Pairs of a key and its value in Base64 are needed.')
    if (pairs.has(key)) throw refuse('Upload-Metadata', `"${key}" is there twice.`)
    pairs.set(key, Buffer.from(value, 'base64').toString('utf8'))
  }
  const read = readInput(UploadMetadata, Object.fromEntries(pairs))
  if ('data' in read) return read.data
  throw new AppError('invalid-input', { detail: describeFields(read.fields), fields: read.fields })
}

export interface ExpectedChecksum {
  readonly hash: Hash
  readonly digest: Buffer
}

/**
 * "The Upload-Checksum header MUST consist of the name of the used checksum algorithm and the Base64 encoded checksum
 * separated by a space." Null: none was sent.
 */
export function readUploadChecksum(headers: Headers): ExpectedChecksum | null {
  const text = textOf(headers['upload-checksum'])
  if (text === undefined) return null
  const [algorithm = '', encoded = ''] = text.split(' ')
  if (!(TUS_CHECKSUM_ALGORITHMS as readonly string[]).includes(algorithm))
    throw refuse('Upload-Checksum', `${TUS_CHECKSUM_ALGORITHMS.join(', ')} are understood.`)
  const hash = createHash(algorithm)
  const digest = Buffer.from(encoded, 'base64')
  if (digest.length !== hash.copy().digest().length)
    throw refuse('Upload-Checksum', `This is not the length of a ${algorithm} in Base64.`)
  return { hash, digest }
}
