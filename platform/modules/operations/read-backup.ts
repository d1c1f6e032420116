/** Reading a backup: its manifest, its tables, its list of files, and the files themselves, each checked. */
import { join } from 'node:path'
import { BackedUpFile, readManifest, type BackedUpTable, type Manifest } from './backup-manifest.ts'
import { AppError } from '../../app/errors.ts'
import { findBackup, OBJECTS_NAME } from './backup-place.ts'
import type { BackupKey } from './key-file.ts'
import { openObjectStore, type ObjectStore } from './object-store.ts'
import { sealedParts } from './sealed-parts.ts'

export interface OpenBackup {
  readonly folder: string
  readonly place: string
  readonly name: string
  readonly manifest: Manifest
  readonly key: BackupKey | null
  readonly objects: ObjectStore
  readTable(table: BackedUpTable): AsyncIterable<Uint8Array>
  listFiles(): AsyncIterable<BackedUpFile>
}

/**
 * Opens a backup: the newest of a place, or the one of this folder.
 *
 * @throws {AppError} backup-place-unfit, backup-damaged, backup-newer, backup-key-unusable.
 */
export async function openBackup(path: string, key: BackupKey | null): Promise<OpenBackup> {
  const found = await findBackup(path)
  const manifest = await readManifest(found.folder, key)
  const ownKey = manifest.keyId === null ? null : key
  const parts = sealedParts(ownKey)
  return {
    ...found,
    manifest,
    key: ownKey,
    objects: await openObjectStore(join(found.place, OBJECTS_NAME), ownKey),
    readTable: (table) => parts.read(join(found.folder, table.file), table.file, table),
    listFiles: () => readFileList(found.folder, manifest, ownKey),
  }
}

/** The files of a backup, one at a time: there may be millions. @throws {AppError} backup-damaged */
export async function* readFileList(
  folder: string,
  { files }: Manifest,
  key: BackupKey | null,
): AsyncGenerator<BackedUpFile> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of sealedParts(key).read(join(folder, files.file), files.file, files)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield parse(folder, line)
  }
}

function parse(folder: string, line: string): BackedUpFile {
  try {
    return BackedUpFile.parse(JSON.parse(line))
  } catch (cause) {
    throw new AppError('backup-damaged', { detail: `${folder}: its list of files can't be read.`, cause })
  }
}
