/** Why a record was not taken. Nothing of it is kept, and nobody was told that it is. */

/** The journal has as many bytes as it may have. */
export class JournalFullError extends Error {
  readonly maxBytes: number
  constructor(maxBytes: number) {
    super(`The journal holds the ${maxBytes} bytes that it may hold.`)
    this.maxBytes = maxBytes
  }
}

/**
 * The file can not be written: no space (ENOSPC), read-only (EROFS), a failing disk (EIO); `cause` says. The record was
 * taken back as far as the disk let it.
 */
export class JournalUnwritableError extends Error {
  readonly code: string | null
  constructor(cause: unknown) {
    super('The journal can not be written.', { cause })
    this.code = (cause as NodeJS.ErrnoException | null)?.code ?? null
  }
}

/** Another process, or another part of this one, writes this journal. */
export class JournalInUseError extends Error {
  constructor(folder: string) {
    super(`${folder} is in use.`)
  }
}
