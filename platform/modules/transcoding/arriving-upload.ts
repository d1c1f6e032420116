/** The seam with modules/uploads: bytes that arrive, and what the encoder asks of whoever receives them. */

/** An upload under way, as the encoder sees it. Implemented by modules/uploads. */
export interface ArrivingUpload {
  readonly uploadId: string
  readonly videoId: string
  readonly accountId: string
  /** Of the whole original. */
  readonly sizeBytes: number
  /** The file that grows; only its first `receivedBytes()` bytes are read. */
  readonly path: string
  /** How many bytes lie there without a hole, and are synced. */
  receivedBytes(): number
  /**
   * The index (`moov`, exactly the bytes of its box) when the client sent it ahead; null: not sent (yet), or the client
   * does not do that.
   */
  index(): Uint8Array | null
  /** Settles when `receivedBytes()` or `index()` has changed since the call, or the signal is aborted; never rejects. */
  waitForChange(signal: AbortSignal): Promise<void>
  /**
   * Settles once the whole original is safe and `originalKeyOf(videoId)` is among the blobs; rejects when the upload was
   * cancelled, or its checksum is wrong. Nothing is made playable before.
   */
  readonly whenSafe: Promise<void>
  /** Aborted when the upload is cancelled, or this process stops. */
  readonly signal: AbortSignal
}

/**
 * How a streaming encode went:
 *
 * - `playable`: generation 1 is recorded;
 * - `refused`: the failure is recorded (`recordFailure`), no more bytes are needed;
 * - `left`: the first-playable job goes on once the upload is safe: the file can't be streamed, no slot was free, the
 *   bytes ceased for 30 s, or the encoder ended.
 */
export type StreamingOutcome = 'playable' | 'refused' | 'left'

export interface StreamingEncode {
  /** Never rejects. */
  readonly done: Promise<StreamingOutcome>
}
