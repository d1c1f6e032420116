/** One backup's own files, wherever they lie. */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'

const READ_BYTES = 1024 * 1024

export interface BackupFolder {
  /** For people: a path, or an address. */
  readonly address: string
  /** @param file relative to the folder */
  read(file: string): AsyncIterable<Uint8Array>
}

export const diskFolder = (path: string): BackupFolder => ({
  address: path,
  read: (file) => createReadStream(join(path, file), { highWaterMark: READ_BYTES }),
})
