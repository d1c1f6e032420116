/** The disks: room, names, and whether what is written arrives, in which time. */
import { randomUUID } from 'node:crypto'
import { rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSynced } from '../../../../../kit/files/durable-file.ts'
import type { Check, Finding } from '../doctor.ts'
import { advice, fine, inWords, problem } from './finding.ts'

const ABOUT = 'Disk'
/** Below this share, a disk fills up before anybody looks again. */
const LOW_SHARE = 0.1
const PROBE_BYTES = 1024 * 1024
/** Each acknowledged piece of an upload waits for one of these. */
const SLOW_SYNC_MS = 200

export const checkDisks: Check = async ({ config }) => {
  const places = [
    { name: 'videos', path: config.paths.blobs },
    { name: 'uploads under way', path: config.paths.staging },
    { name: 'backups', path: config.backups.place },
  ]
  const findings: Finding[] = []
  const seen = new Set<number>()
  for (const { name, path } of places) {
    const found = await stat(path).catch(() => null)
    if (!found) {
      if (name === 'videos')
        findings.push(problem(ABOUT, `${path}, for ${name}, is not there.`, remedyMissing))
      continue
    }
    if (seen.has(found.dev)) continue
    seen.add(found.dev)
    findings.push(await checkRoom(path, name, config.uploads.reserveBytes), await checkWriting(path))
  }
  return findings
}

const remedyMissing = 'Start the instance once, or mount the disk that belongs there.'

async function checkRoom(path: string, name: string, reserveBytes: number): Promise<Finding> {
  const { bavail, bsize, blocks, files, ffree } = await statfs(path)
  const [freeBytes, totalBytes] = [bavail * bsize, blocks * bsize]
  const what = `${path} (${name}): ${inWords(freeBytes)} of ${inWords(totalBytes)} are free.`
  if (freeBytes < reserveBytes)
    return problem(
      ABOUT,
      `${what} Uploads are refused below ${inWords(reserveBytes)} (UPLOAD_RESERVE_BYTES).`,
      'Free some space, or move the data folder to a larger disk.',
    )
  if (files > 0 && ffree / files < LOW_SHARE)
    return problem(
      ABOUT,
      `${what} Only ${ffree} of ${files} files more can be made (inodes).`,
      'Remove small files that are not needed, or make the file system anew with more inodes.',
    )
  if (freeBytes / totalBytes < LOW_SHARE)
    return advice(ABOUT, what, 'Free some space before the disk is full: uploads stop first, then backups.')
  return fine(ABOUT, what)
}

async function checkWriting(path: string): Promise<Finding> {
  const probe = join(path, `.doctor-${randomUUID()}.tmp`)
  const startedMs = performance.now()
  try {
    await writeSynced(probe, Buffer.alloc(PROBE_BYTES))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const remedy =
      code === 'EROFS'
        ? 'The disk is read-only: the kernel does this after errors. See dmesg, check the disk, mount it again.'
        : code === 'EACCES'
          ? 'Run the doctor as the user that runs Upbeat, or give that user the folder (chown).'
          : 'See dmesg for what the kernel says of this disk.'
    return problem(ABOUT, `Nothing can be written to ${path} (${code}).`, remedy)
  } finally {
    await rm(probe, { force: true }).catch(() => {})
  }
  const tookMs = performance.now() - startedMs
  const what = `1 MiB reaches ${path} for good in ${tookMs.toFixed(0)} ms.`
  return tookMs > SLOW_SYNC_MS
    ? advice(
        ABOUT,
        what,
        'Uploads are acknowledged no faster than this. A disk with less to do, or an SSD, helps.',
      )
    : fine(ABOUT, what)
}
