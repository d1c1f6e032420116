/** From the bytes of a file to a document that may be tried: signature, then all that the guard of documents asks of its kind. */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { EdgeDocument, SignedDocument } from '../../../contract/edge.ts'
import { checkDocument } from '../../releases/index.ts'
import { edgeKind } from './edge-kind.ts'

/** This input is not taken; the message says why, for whoever wrote it. */
export class DocumentRefusedError extends Error {
  override readonly name = 'DocumentRefusedError'
  /** People met it. */
  readonly wasInForce: boolean
  constructor(reason: string, { wasInForce = false }: { readonly wasInForce?: boolean } = {}) {
    super(reason)
    this.wasInForce = wasInForce
  }
}

export interface ReadDocument {
  readonly document: EdgeDocument
  /** SHA-256 of the input as it came, hex. */
  readonly hash: string
  /** As it came: signed, where it was. */
  readonly text: string
  /** Of the document itself. */
  readonly sizeBytes: number
}

/** Of what is signed: the document's text within JSON, and its signature. */
const MAX_BYTES = 2 * edgeKind.bounds.maxBytes

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
 * @param before what is in force; null: nothing is.
 * @throws {DocumentRefusedError}
 */
export function readDocument(
  text: string,
  signers: readonly KeyObject[] | null,
  before: ReadDocument | null = null,
): ReadDocument {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new DocumentRefusedError(`It is larger than ${MAX_BYTES} bytes.`)
  const signed = SignedDocument.safeParse(parseJson(text))
  if (signers !== null) {
    if (!signed.success) throw new DocumentRefusedError('It is not signed.')
    const signature = Buffer.from(signed.data.signature, 'base64')
    const isGenuine = signers.some((key) => verify(null, Buffer.from(signed.data.text), key, signature))
    if (!isGenuine) throw new DocumentRefusedError('None of the known keys has signed it.')
  }
  const inner = signed.success ? signed.data.text : text
  const lastGood = before && { content: before.document, sizeBytes: before.sizeBytes }
  const { content, objections } = checkDocument(edgeKind, inner, lastGood)
  if (objections.length > 0) throw new DocumentRefusedError(objections.join(' '))
  return {
    document: EdgeDocument.parse(content),
    hash: hashInput(text),
    text,
    sizeBytes: Buffer.byteLength(inner),
  }
}

/** Null for what is no JSON: the guard says so. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
