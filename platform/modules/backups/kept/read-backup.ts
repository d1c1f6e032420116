/** Reading a backup: its manifest, its tables, its list of files, and the files themselves, each checked. */
import { join } from 'node:path'
import type { Config } from '../../../app/config.ts'
import {
  BACKUP_NAME,
  BackedUpFile,
  readManifest,
  type BackedUpTable,
  type Manifest,
} from './backup-manifest.ts'
import { AppError } from '../../../app/errors.ts'
import { diskFolder, type BackupFolder } from './backup-folder.ts'
import { findBackup, OBJECTS_NAME } from './backup-place.ts'
import { findFarBackup, isFarAddress } from './far-place.ts'
import type { BackupKey } from './key-file.ts'
import { openObjectStore, readObject, type ObjectStore } from './object-store.ts'
import { sealedParts } from './sealed-parts.ts'

export interface OpenBackup {
  /** A path, or an address. */
  readonly folder: string
  readonly name: string
  readonly manifest: Manifest
  readonly key: BackupKey | null
  readonly objects: Pick<ObjectStore, 'read' | 'plainPath'>
  readTable(table: BackedUpTable): AsyncIterable<Uint8Array>
  listFiles(): AsyncIterable<BackedUpFile>
}

/**
 * Opens a backup: the newest of a place, or the one of this folder.
 *
 * @throws {AppError} backup-place-unfit, backup-damaged, backup-newer, backup-key-unusable.
 */
export async function openBackup(path: string, key: BackupKey | null): Promise<OpenBackup> {
  const { place, folder, name } = await findBackup(path)
  return openIn(diskFolder(folder), { name, key }, (ownKey) =>
    openObjectStore(join(place, OBJECTS_NAME), ownKey),
  )
}

/**
 * The same by a path or an address (`s3://…`).
 *
 * @throws {AppError} as openBackup, and backup-place-unreachable.
 */
export async function openBackupAt(
  config: Pick<Config, 's3'>,
  address: string,
  key: BackupKey | null,
): Promise<OpenBackup> {
  if (!isFarAddress(address)) return openBackup(address, key)
  const { far, name } = await findFarBackup(config, address)
  return openIn(far.folder(name), { name, key }, async (ownKey) => ({
    plainPath: () => null,
    read: (file) => readObject(far.readObject(file.object), file, ownKey),
  }))
}

async function openIn(
  folder: BackupFolder,
  { name, key }: { readonly name: string; readonly key: BackupKey | null },
  openObjects: (ownKey: BackupKey | null) => Promise<OpenBackup['objects']>,
): Promise<OpenBackup> {
  const manifest = await readManifest(folder, key)
  // Nothing proves who wrote a backup that no key has sealed: whoever may write there could have put it.
  if (manifest.keyId === null && key !== null)
    throw new AppError('backup-key-unusable', {
      detail: `${folder.address} is not encrypted, though a key is set, so nothing shows who made it.`,
      next: 'If you made it without a key and trust the place where it lies, say --key none.',
    })
  // The key shows what was written, not where: an old backup in a newer one's place would pass for it.
  if (BACKUP_NAME.test(name) && name !== manifest.id)
    throw new AppError('backup-damaged', {
      detail: `${folder.address} is the backup ${manifest.id} under another one's name.`,
      next: `If that is the one you want, rename its folder to ${manifest.id}; if you did not rename it, ask who may write there.`,
    })
  const ownKey = manifest.keyId === null ? null : key
  const parts = sealedParts(ownKey)
  return {
    ...{ folder: folder.address, name, manifest, key: ownKey },
    objects: await openObjects(ownKey),
    readTable: (table) => parts.read(folder, table.file, table),
    listFiles: () => readFileList(folder, manifest, ownKey),
  }
}

/** The files of a backup, one at a time: there may be millions. @throws {AppError} backup-damaged */
export async function* readFileList(
  folder: BackupFolder,
  { files }: Manifest,
  key: BackupKey | null,
): AsyncGenerator<BackedUpFile> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of sealedParts(key).read(folder, files.file, files)) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop()!
    for (const line of lines) yield parse(folder.address, line)
  }
}

function parse(folder: string, line: string): BackedUpFile {
  try {
    return BackedUpFile.parse(JSON.parse(line))
  } catch (cause) {
    throw new AppError('backup-damaged', { detail: `${folder}: its list of files can't be read.`, cause })
  }
}
