/** Blobs: whole files under a key, written once, read whole or by range. */
export { openDiskBlobs } from './disk.ts'
export type { BlobRange, Blobs, StoredBlob } from './blobs.ts'
