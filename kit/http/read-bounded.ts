/** The body of an answer that may not be longer than what is expected of it. */

export class AnswerTooLongError extends Error {
  override readonly name = 'AnswerTooLongError'
}

/**
 * Reads an answer piece by piece, and no further than it may go: what it says of its own length binds nobody.
 *
 * @throws {AnswerTooLongError} when it is longer than `maxBytes`; whatever reading it throws
 */
export async function readBounded(body: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let sizeBytes = 0
  for await (const piece of body ?? []) {
    sizeBytes += piece.byteLength
    if (sizeBytes > maxBytes) throw new AnswerTooLongError(`An answer is longer than ${maxBytes} bytes.`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
