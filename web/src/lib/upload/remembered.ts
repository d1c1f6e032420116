/**
 * Unfinished uploads as this device remembers them, so that a closed tab loses neither the place in the file nor the
 * words written for it. The server's receipts are the truth; this adds what only the device knows.
 */
import type { Visibility } from '#lib/api/types.ts'

/** How this device knows a file again. */
export interface FileMark {
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
}

/** What the author has said about a video so far. */
export interface Draft {
  readonly caption: string
  readonly visibility: Visibility
  readonly coverAtMs: number | null
  readonly isPostWanted: boolean
}

export interface RememberedUpload {
  readonly uploadId: string
  readonly videoId: string
  readonly accountId: string
  /** Where the bytes go: the address that the server gave. */
  readonly url: string
  readonly file: FileMark
  /** As `fingerprintOf` makes it; null: the file could not be read then. */
  readonly fingerprint: string | null
  readonly draft: Draft
  /** The draft has changes that the server hasn't confirmed. */
  readonly isDraftUnsent: boolean
  readonly rememberedAtMs: number
}

export const EMPTY_DRAFT: Draft = { caption: '', visibility: 'public', coverAtMs: null, isPostWanted: false }

const KEY = 'upbeat.uploads'
const MAX_REMEMBERED = 50

type Store = Pick<Storage, 'getItem' | 'setItem'>

/** All that is remembered, newest first. A store that can't be read remembers nothing. */
export function readRemembered(store: Store = localStorage): RememberedUpload[] {
  try {
    const list: unknown = JSON.parse(store.getItem(KEY) ?? '[]')
    return Array.isArray(list) ? list.filter(isRemembered) : []
  } catch {
    return []
  }
}

/** Adds an upload, or replaces what was remembered of it. */
export function remember(upload: RememberedUpload, store: Store = localStorage): void {
  write([upload, ...readRemembered(store).filter((other) => other.uploadId !== upload.uploadId)], store)
}

export function forget(uploadId: string, store: Store = localStorage): void {
  write(
    readRemembered(store).filter((upload) => upload.uploadId !== uploadId),
    store,
  )
}

/** What an account that signs out leaves here: what the server has already goes in any case, the rest only if asked. */
export function forgetOf(accountId: string, kind: 'sent' | 'all', store: Store = localStorage): void {
  write(
    readRemembered(store).filter(
      (upload) => upload.accountId !== accountId || (kind === 'sent' && upload.isDraftUnsent),
    ),
    store,
  )
}

function write(list: RememberedUpload[], store: Store): void {
  try {
    store.setItem(KEY, JSON.stringify(list.slice(0, MAX_REMEMBERED)))
  } catch {
    // Storage is full or forbidden: the server's list of unfinished uploads is what remains.
  }
}

function isRemembered(value: unknown): value is RememberedUpload {
  const upload = value as Partial<RememberedUpload> | null
  return (
    typeof upload?.uploadId === 'string' &&
    typeof upload.url === 'string' &&
    typeof upload.file?.sizeBytes === 'number' &&
    typeof upload.draft?.caption === 'string'
  )
}

interface Unfinished {
  readonly id: string
  readonly filename: string
  readonly sizeBytes: number
}

/**
 * The unfinished upload that a chosen file continues, or null.
 *
 * On the device that began it, size and time of the file decide (a renamed file is still the same); on another one,
 * the name and the exact size.
 */
export function findUnfinished<T extends Unfinished>(
  file: FileMark,
  unfinished: readonly T[],
  remembered: readonly RememberedUpload[],
): T | null {
  const here = remembered.find(
    (upload) =>
      upload.file.sizeBytes === file.sizeBytes &&
      upload.file.modifiedAtMs === file.modifiedAtMs &&
      unfinished.some((receipt) => receipt.id === upload.uploadId),
  )
  if (here) return unfinished.find((receipt) => receipt.id === here.uploadId) ?? null
  return (
    unfinished.find((receipt) => receipt.sizeBytes === file.sizeBytes && receipt.filename === file.name) ??
    null
  )
}
