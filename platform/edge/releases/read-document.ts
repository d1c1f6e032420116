/** From the bytes of a file to a document that may be tried: size, signature, schema, and what the parts must be together. */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { EdgeDocument, SignedDocument } from '../../../contract/edge.ts'

/** This input is not taken; the message says why, for whoever wrote it. */
export class DocumentRefusedError extends Error {
  override readonly name = 'DocumentRefusedError'
}

export interface ReadDocument {
  readonly document: EdgeDocument
  /** SHA-256 of the input as it came, hex. */
  readonly hash: string
  readonly text: string
}

const MAX_BYTES = 256 * 1024

/** SHA-256, hex: how an input is named, whatever it holds. */
export const hashInput = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The Ed25519 public keys of a PEM file; there may be several, so that one can follow another. */
export const readSigners = (pem: string): KeyObject[] =>
  (pem.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? []).map((key) =>
    createPublicKey(key),
  )

/**
 * Reads an input.
 *
 * @param signers null: whoever may write the file is trusted.
 * @throws {DocumentRefusedError}
 */
export function readDocument(text: string, signers: readonly KeyObject[] | null): ReadDocument {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new DocumentRefusedError(`It is larger than ${MAX_BYTES} bytes.`)
  const outer = parseJson(text)
  const signed = SignedDocument.safeParse(outer)
  if (signers !== null) {
    if (!signed.success) throw new DocumentRefusedError('It is not signed.')
    const signature = Buffer.from(signed.data.signature, 'base64')
    const isGenuine = signers.some((key) => verify(null, Buffer.from(signed.data.text), key, signature))
    if (!isGenuine) throw new DocumentRefusedError('None of the known keys has signed it.')
  }
  const parsed = EdgeDocument.safeParse(signed.success ? parseJson(signed.data.text) : outer)
  if (!parsed.success) throw new DocumentRefusedError(z.prettifyError(parsed.error))
  const problem = findContradiction(parsed.data)
  if (problem) throw new DocumentRefusedError(problem)
  return { document: parsed.data, hash: hashInput(text), text }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new DocumentRefusedError(`It is no JSON: ${(error as Error).message}`)
  }
}

/** What no single field can say; null: it fits together. */
function findContradiction({ origins, shields, name, limits }: EdgeDocument): string | null {
  const names = [...origins, ...shields].map((source) => source.name)
  if (new Set(names).size !== names.length) return 'Two sources have the same name.'
  if (new Set(origins.map(({ url }) => new URL(url).protocol)).size > 1)
    return 'Origins are all over HTTP, or all over HTTPS.'
  if (shields.some((shield) => shield.name === name)) return 'The edge is a shield of its own.'
  if (limits.segmentMaxBytes * 4 > limits.mirrorMaxBytes)
    return 'The mirror has no room for four segments of the largest size.'
  return null
}
