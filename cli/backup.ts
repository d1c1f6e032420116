/** `upbeat backup`, `upbeat backups` and `upbeat key`. */
import { resolve } from 'node:path'
import {
  listBackups,
  makeKeyFile,
  makeRecordedBackup,
  readConfiguredKey,
  readKeyFile,
  type BackupProgress,
} from '../platform/modules/operations/index.ts'
import { readBackupRecords } from '../platform/app/backup-records.ts'
import { openInstance } from './instance.ts'
import { onInterrupt } from './interrupt.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { createProgress, secondsInWords, sizeInWords } from './progress.ts'
import { settingsOf } from './settings.ts'

/** Makes a backup now. */
export async function backUp(given: Arguments): Promise<number> {
  if (given.operands.length > 1) throw new UsageError('One folder is enough.')
  const config = settingsOf(given)
  const place = resolve(given.operands[0] ?? config.backups.place)
  const key = given.keyFile === undefined ? await readConfiguredKey(config) : await readKeyFile(given.keyFile)
  const signal = onInterrupt()
  await using instance = await openInstance(config)
  const progress = createProgress()
  const { folder, manifest, durationMs, isSameDisk } = await makeRecordedBackup(instance.source, {
    place,
    key,
    signal,
    onProgress: (state) => progress.show(describe(state)),
  }).finally(() => progress.end())
  const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
  console.log(`✓ ${folder} (${secondsInWords(durationMs)})`)
  console.log(`  as of ${manifest.snapshotAt}: ${manifest.tables.length} tables with ${rows} rows;`)
  const { count, totalBytes, newCount, newBytes } = manifest.files
  console.log(
    `  ${count} files with ${sizeInWords(totalBytes)}, of which ${newCount} with ${sizeInWords(newBytes)} are new here`,
  )
  for (const { what, why } of manifest.leftOut) console.log(`  ✗ without ${what}: ${why}`)
  if (key)
    console.log(
      `  encrypted by the key ${key.id}: without its file nobody can ever read it. Keep copies elsewhere.`,
    )
  if (isSameDisk) console.log('  It lies on the same disk as the instance: a lost disk takes both.')
  console.log(`  Prove that it can be restored: upbeat restore ${place} --verify`)
  return 0
}

const describe = ({ phase, done, total, bytes }: BackupProgress): string =>
  `${phase === 'tables' ? 'Tables' : 'Files'}: ${done}${total === null ? '' : ` of ${total}`}, ${sizeInWords(bytes)}`

/** Lists the whole backups of a place. */
export async function showBackups(given: Arguments): Promise<number> {
  const config = settingsOf(given)
  const place = resolve(given.operands[0] ?? config.backups.place)
  const names = await listBackups(place)
  const { lastProof } = await readBackupRecords(config.dataDir)
  if (names.length === 0) console.log(`There is no backup in ${place}.`)
  for (const name of names)
    console.log(
      `${place}/${name}${lastProof?.backup === `${place}/${name}` ? `  proven on ${lastProof.at}` : ''}`,
    )
  return 0
}

/** Makes a key file. */
export async function makeKey({ operands }: Arguments): Promise<number> {
  const [path] = operands
  if (path === undefined || operands.length > 1) throw new UsageError('Into which file?')
  const key = await makeKeyFile(path)
  console.log(`✓ ${path} holds the key ${key.id}, and only you may read it.`)
  console.log('  Whoever has it can read the backups; whoever has lost it can not, and neither can we.')
  console.log(
    '  Keep a copy where neither this machine nor the backups are: on paper, say, or in a password manager.',
  )
  console.log(`  For each night: BACKUP_KEY_FILE=${resolve(path)}`)
  return 0
}
