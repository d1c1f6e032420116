/** `upbeat backup`, `upbeat backups` and `upbeat key`. */
import { resolve } from 'node:path'
import {
  isFarAddress,
  listBackups,
  makeKeyFile,
  makeRecordedBackup,
  openFarPlace,
  readConfiguredKey,
  readKeyFile,
  recordedPush,
  type BackupProgress,
  type BackupSource,
} from '../platform/modules/backups/index.ts'
import { readBackupRecords } from '../platform/app/backup-records.ts'
import { openInstance } from './instance.ts'
import { onInterrupt } from './interrupt.ts'
import { UsageError, type Arguments } from './arguments.ts'
import { createProgress, secondsInWords, sizeInWords } from './progress.ts'
import { settingsOf } from './settings.ts'
import { instantInWords } from './times.ts'

/** Makes a backup now. */
export async function backUp(given: Arguments): Promise<number> {
  if (given.operands.length > 1) throw new UsageError('One folder is enough.')
  if (given.operands[0] !== undefined && isFarAddress(given.operands[0]))
    throw new UsageError('A bucket is named by --to: a backup is made on the disk first.')
  const config = settingsOf(given)
  const place = resolve(given.operands[0] ?? config.backups.place)
  const to = given.to ?? config.backups.to
  // What is wrong with it is better said before than after.
  if (to !== null) openFarPlace(config, to)
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
  console.log(
    `  as of ${instantInWords(manifest.snapshotAt, new Date())}: ${manifest.tables.length} tables with ${rows} rows;`,
  )
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
  if (to !== null) await putElsewhere(instance.source, { path: folder, to, key, signal })
  console.log(`  Prove that it can be restored: upbeat restore ${to ?? place} --verify`)
  return 0
}

async function putElsewhere(
  source: BackupSource,
  input: Omit<Parameters<typeof recordedPush>[1], 'onFile'>,
): Promise<void> {
  const progress = createProgress()
  const { folder, newCount } = await recordedPush(source, {
    ...input,
    onFile: (done, total) => progress.show(`Elsewhere: ${done} of ${total} files`),
  }).finally(() => progress.end())
  console.log(`✓ ${folder}`)
  console.log(`  ${newCount} contents of files were new there`)
}

const describe = ({ phase, done, total, bytes }: BackupProgress): string =>
  `${phase === 'tables' ? 'Tables' : 'Files'}: ${done}${total === null ? '' : ` of ${total}`}, ${sizeInWords(bytes)}`

/** Lists the whole backups of a place. */
export async function showBackups(given: Arguments): Promise<number> {
  const config = settingsOf(given)
  const named = given.operands[0] ?? config.backups.place
  const far = isFarAddress(named) ? openFarPlace(config, named) : null
  const place = far?.address ?? resolve(named)
  const names = far ? await far.listBackups() : await listBackups(place)
  const { lastProof } = await readBackupRecords(config.dataDir)
  if (names.length === 0) console.log(`There is no backup in ${place}.`)
  for (const name of names)
    console.log(
      `${place}/${name}${lastProof?.backup === `${place}/${name}` ? `  proven at ${instantInWords(lastProof.at, new Date())}` : ''}`,
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
