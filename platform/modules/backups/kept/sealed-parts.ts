/** The parts of one backup beside its objects: written whole and synced, read back and checked; sealed under a key. */
import { createHash } from 'node:crypto'
import { writeSynced } from '../../../../kit/files/durable-file.ts'
import { seal, unseal } from '../../../../kit/files/sealed-stream.ts'
import { AppError } from '../../../app/errors.ts'
import type { BackupFolder } from './backup-folder.ts'
import type { BackupKey } from './key-file.ts'

export interface StoredPart {
  readonly storedBytes: number
  readonly storedSha256: string
}

export interface SealedParts {
  /** @param name the part's name, which a reader has to give, too */
  write(path: string, name: string, source: AsyncIterable<Uint8Array>): Promise<StoredPart>
  /** @throws {AppError} backup-damaged when it is not as it was written; at its end at the latest. */
  read(folder: BackupFolder, name: string, expected: StoredPart): AsyncIterable<Uint8Array>
}

/** Parts under this key; null: as they are. */
export function sealedParts(key: BackupKey | null): SealedParts {
  return {
    async write(path, name, source) {
      const hash = createHash('sha256')
      const sealed = key ? seal(source, key.bytes, name) : source
      const { sizeBytes } = await writeSynced(path, hashing(sealed, hash))
      return { storedBytes: sizeBytes, storedSha256: hash.digest('hex') }
    },
    async *read(folder, name, expected) {
      const hash = createHash('sha256')
      const path = `${folder.address}/${name}`
      try {
        const stored = hashing(folder.read(name), hash)
        yield* key ? unseal(stored, key.bytes, name) : stored
      } catch (cause) {
        if (cause instanceof AppError) throw cause
        throw new AppError('backup-damaged', { detail: `${path} can't be read back.`, cause })
      }
      if (hash.digest('hex') !== expected.storedSha256)
        throw new AppError('backup-damaged', { detail: `${path} is not as it was written.` })
    },
  }
}

async function* hashing(
  source: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    hash.update(piece)
    yield piece
  }
}
