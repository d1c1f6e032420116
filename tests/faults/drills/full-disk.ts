/**
 * The disk for videos is full, and then read-only: new uploads are refused, playing goes on, and all of it mends without a
 * restart.
 */
import { execFile } from 'node:child_process'
import { mkdir, open, readFile, rm, statfs, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeClip } from '../../support/clips.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import {
  hasEnded,
  RefusedError,
  signUp,
  startUpload,
  type DrillClient,
  type DrillUpload,
} from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'
import type { Report } from '../report.ts'

const run_ = promisify(execFile)
const DISK_BYTES = 64 * 1024 ** 2
const RESERVE_BYTES = 8 * 1024 ** 2
const FILL_BYTES = 65_536
const END_TIMEOUT_MS = 90_000

export async function run(report: Report): Promise<void> {
  if (process.getuid!() !== 0) {
    report.skip('a full disk refuses uploads only', 'a small disk of its own needs root')
    return
  }
  await using dir = await makeTemporaryDir()
  await using _disk = await mountSmallDisk(join(dir.path, 'disk'))
  for (const folder of ['blobs', 'staging']) {
    await mkdir(join(dir.path, 'disk', folder))
    await symlink(join(dir.path, 'disk', folder), join(dir.path, folder))
  }
  await using product = await startProduct({
    dataDir: dir.path,
    env: { UPLOAD_RESERVE_BYTES: String(RESERVE_BYTES) },
  })
  const person = await signUp(product.url)
  const bytes = await readFile(await makeClip('h264'))
  const playable = await startUpload(person, bytes, 'there before the disk is full')
  await playable.sendUntil(bytes.length)
  const before = await endOf(person, playable)
  if (before?.state !== 'complete') throw new Error(`The first video did not get ready: ${before?.state}`)
  const waiting = await startUpload(person, bytes, 'under way when the disk gets full')
  await waiting.sendUntil(Math.floor(bytes.length / 3))
  const pids = (await product.settled()).roles.map(({ pid }) => pid)

  const filler = join(dir.path, 'disk', 'filler')
  await fill(filler, dir.path, RESERVE_BYTES / 2)
  const refused = await startUpload(person, bytes, 'while the disk is full').catch((error: unknown) => error)
  judgeRefusal(report, refused)
  await fill(`${filler}-2`, dir.path, 0)
  const cutOff = await waiting.sendPiece()
  report.promise('bytes that find no room are refused with 507', cutOff === 507, String(cutOff))
  report.promise('playing goes on while the disk is full', await plays(product.url, person, playable))
  const feed = await fetch(`${product.url}/api/v1/feed/for-you`)
  report.promise('the feed goes on while the disk is full', feed.ok, String(feed.status))
  const liked = await person.request('PUT', `/videos/${playable.videoId}/like`)
  report.promise('likes go on while the disk is full', liked.ok, String(liked.status))

  for (const file of [filler, `${filler}-2`]) await rm(file)
  await waiting.sendUntil(bytes.length)
  const after = await startUpload(person, bytes, 'after the disk was full')
  await after.sendUntil(bytes.length)
  for (const [upload, when] of [
    [waiting, 'under way when the disk got full'],
    [after, 'made after there was space again'],
  ] as const) {
    const receipt = await endOf(person, upload)
    report.promise(
      `an upload ${when} is published`,
      receipt?.state === 'complete' && receipt.sha256 === upload.sha256 && upload.lostBytes === 0,
      receipt?.state ?? 'not ended',
    )
  }
  await whileReadOnly(report, { product, person, playable, disk: join(dir.path, 'disk'), bytes })
  const pidsAfter = (await product.settled()).roles.map(({ pid }) => pid)
  report.promise('nothing had to be restarted', pids.join() === pidsAfter.join())
}

/** As after an error of the disk, when Linux takes it away from writers. */
async function whileReadOnly(
  report: Report,
  scene: {
    readonly product: Product
    readonly person: DrillClient
    readonly playable: DrillUpload
    readonly disk: string
    readonly bytes: Buffer
  },
): Promise<void> {
  const { product, person, playable, disk, bytes } = scene
  const begun = await startUpload(person, bytes, 'under way when the disk gets read-only')
  await begun.sendUntil(Math.floor(bytes.length / 3))
  await using readOnly = await coverReadOnly(disk)
  const refused = await startUpload(person, bytes, 'while the disk is read-only').catch(
    (error: unknown) => error,
  )
  judgeRefusal(report, refused, 'while the disk is read-only, ')
  report.promise('playing goes on while the disk is read-only', await plays(product.url, person, playable))
  const liked = await person.request('DELETE', `/videos/${playable.videoId}/like`)
  report.promise('likes go on while the disk is read-only', liked.ok, String(liked.status))
  await readOnly[Symbol.asyncDispose]()
  await begun.sendUntil(bytes.length)
  const receipt = await endOf(person, begun)
  report.promise(
    'an upload under way when the disk got read-only is published',
    receipt?.state === 'complete' && begun.lostBytes === 0,
    receipt?.state ?? 'not ended',
  )
}

function judgeRefusal(report: Report, refused: unknown, when = ''): void {
  const problem = refused instanceof RefusedError ? (JSON.parse(refused.body) as Record<string, unknown>) : {}
  report.promise(
    `${when}a new upload is refused with 507, and told why and what next, before a byte is sent`,
    refused instanceof RefusedError &&
      refused.status === 507 &&
      Boolean(problem['next'] && problem['detail']),
    refused instanceof RefusedError ? `${refused.status} ${String(problem['code'])}` : String(refused),
  )
}

async function mountSmallDisk(path: string): Promise<AsyncDisposable> {
  await mkdir(path)
  await run_('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path])
  // Lazily: a process that is just ending may hold a file for another moment.
  return { [Symbol.asyncDispose]: async () => void (await run_('umount', ['-l', path])) }
}

/** The same disk once more on top of itself, read-only: so it goes while files on it are open for writing, too. */
async function coverReadOnly(path: string): Promise<AsyncDisposable> {
  await run_('mount', ['--bind', path, path])
  await run_('mount', ['-o', 'remount,bind,ro', path])
  let isCovered = true
  return {
    async [Symbol.asyncDispose]() {
      if (isCovered) await run_('umount', ['-l', path])
      isCovered = false
    },
  }
}

/** Writes until no more than this is free. */
async function fill(path: string, dataDir: string, leaveBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(join(dataDir, 'disk'))
  await using file = await open(path, 'w')
  for (let left = bavail * bsize - leaveBytes; left > 0; left -= FILL_BYTES)
    await file.write(Buffer.alloc(Math.min(left, FILL_BYTES)))
}

async function endOf(person: DrillClient, upload: DrillUpload) {
  return eventually(END_TIMEOUT_MS, async () => {
    const receipt = await person.receipt(upload.id)
    return hasEnded(receipt) ? receipt : null
  })
}

/** Walks from the card to the first segment of the first rendition, as a player does. */
async function plays(url: string, person: DrillClient, upload: DrillUpload): Promise<boolean> {
  const card = (await (await person.request('GET', `/videos/${upload.videoId}`)).json()) as {
    playback: { masterUrl: string } | null
  }
  if (!card.playback) return false
  const masterUrl = new URL(card.playback.masterUrl, url)
  const mediaUrl = new URL(firstUri(await (await fetch(masterUrl)).text()), masterUrl)
  const segment = await fetch(new URL(firstUri(await (await fetch(mediaUrl)).text()), mediaUrl))
  return segment.ok && (await segment.arrayBuffer()).byteLength > 0
}

const firstUri = (playlist: string): string =>
  playlist.split('\n').find((line) => line.trim() && !line.startsWith('#')) ?? ''
