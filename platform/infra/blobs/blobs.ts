/** What a blob store can do, whatever it stands on. Keys are slash-separated names; there are no folders to make. */
import type { Readable } from 'node:stream'

export interface StoredBlob {
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAt: Date
}

/** Bytes `start` to `end`, both inclusive. */
export interface BlobRange {
  readonly start: number
  readonly end: number
}

export interface Blobs {
  /** Stores the bytes; when the promise settles they survive a power cut. Replaces what was there, whole or not at all. */
  put(
    key: string,
    source: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<{ sizeBytes: number; sha256: string }>
  /**
   * Stores a file that lies on the same disk without copying it where that is possible; the source is gone afterwards.
   *
   * @param known what the caller has measured of a file that it has synced: it is then not read again.
   */
  putFile(
    key: string,
    path: string,
    known?: { sizeBytes: number; sha256: string },
  ): Promise<{ sizeBytes: number; sha256: string }>
  /** Null when it is not there. */
  stat(key: string): Promise<StoredBlob | null>
  /** @throws an error with `code: 'ENOENT'` when it is not there. */
  read(key: string, range?: BlobRange): Promise<Readable>
  readAll(key: string): Promise<Uint8Array | null>
  /** Deleting what is not there is no error. */
  delete(key: string): Promise<void>
  deletePrefix(prefix: string): Promise<void>
  list(prefix: string): AsyncIterable<StoredBlob>
  /** Where the blob lies as a local file, when it does. */
  localPath(key: string): string | null
  freeBytes(): Promise<number | null>
  /** Why nothing can be stored at present, as on a disk that can only be read; null: nothing is known against it. */
  findRefusal(): Promise<Error | null>
}
