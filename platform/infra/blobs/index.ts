/** Blobs: whole files under a key, written once, read whole or by range. */
export { openDiskBlobs } from './disk.ts'
export type { BlobRange, Blobs, StoredBlob } from './blobs.ts'
export { AlreadyHeldError, holdDeletions, makeUpForDeletions, withHeldDeletions } from './hold.ts'
export type { Hold } from './hold.ts'
