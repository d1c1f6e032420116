/**
 * `bench restore [--quick]`: what a backup and a restore cost, and how soon people watch again after everything was killed.
 *
 * A catalogue of 10,000 videos (`--quick`: 200; `--videos N`: so many), each with files of its own. While people watch: a first backup to a folder
 * of copies, a second one, and a proof. Then SIGKILL of every process at once; the next start; playback counts as back
 * from the first window of 250 ms after which no window is served below 99 %. Beside it stands what was the only way before
 * there were backups: `cp -a` of the data folder, with the product stopped.
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { VideoCard } from '../contract/videos.ts'
import { hasEnded, signUp, startUpload } from '../tests/rig/people/client.ts'
import { eventually } from '../tests/rig/eventually.ts'
import { untilFullService } from '../tests/rig/service.ts'
import { killEverything } from '../tests/rig/victims.ts'
import { makeClip } from '../tests/support/clips.ts'
import { upbeat } from '../tests/support/command-line.ts'
import { startProduct, type Product } from '../tests/support/product.ts'
import { makeTemporaryDir } from '../tests/support/temporary-dir.ts'
import { roundTo } from '../tests/rig/quantile.ts'
import { multiply } from './restore/catalogue.ts'
import { backAfter, shareServed, startWatching, type Asked } from '../tests/rig/people/watching.ts'
import type { BenchResult, BenchRow } from './support.ts'

const run_ = promisify(execFile)
const say = (line: string) => console.error(`  ${line}`)

const VIDEOS = 10_000
const QUICK_VIDEOS = 200
const RATE_PER_S = 50
const QUICK_AFTER_KILL_S = 20
const AFTER_KILL_S = 60
/** Of the faults' table: full service after any death (10), and playback on a cold start with people waiting (24). */
const TARGETS = { playbackBackS: 10, levelZeroS: 60, servedDuringBackup: 0.99, generatorLagMs: 10 }
// With everything that protects it, the levels that follow load too.
const ENV = { UPLOAD_RESERVE_BYTES: '0', BACKUP: 'off', LOG_LEVEL: 'warn', PROTECTIONS_OFF: '' }

export async function run(): Promise<BenchResult> {
  const isQuick = process.argv.includes('--quick')
  const count = readCount() ?? (isQuick ? QUICK_VIDEOS : VIDEOS)
  await using dir = await makeTemporaryDir()
  const dataDir = join(dir.path, 'data')
  await mkdir(dataDir, { mode: 0o711 })
  const first = await startProduct({ dataDir, env: ENV })
  const port = Number(new URL(first.url).port)
  const { videoId, paths } = await uploadOne(first)
  const bytes = await multiply(dataDir, { videoId, count }, say)
  // One whole copy at a time: the encrypted backup, the restored folder, what `cp` makes.
  await requireRoom(dir.path, bytes * 1.3)

  const load = { port, ratePerS: RATE_PER_S, asked: paths.map((path) => ({ path })) }
  const backups = await measureBackups(dir.path, dataDir, load)
  const killed = await measureKill(first, dataDir, {
    ...load,
    seconds: isQuick ? QUICK_AFTER_KILL_S : AFTER_KILL_S,
  })
  const restored = join(dir.path, 'restored')
  await mkdir(restored, { mode: 0o711 })
  await killed.product.stop()
  const intoEmpty = await must(upbeat(['restore', backups.place, '--into-empty', '--data', restored], ENV))
  await rm(restored, { recursive: true, force: true })
  const copy = await measureCopy(dataDir, join(dir.path, 'copied'))
  return describe({ count, bytes, backups, killed, intoEmptyS: intoEmpty, copyS: copy })
}

/** `--videos N`: where 10,000 do not fit. Null: not given. */
function readCount(): number | null {
  const at = process.argv.indexOf('--videos')
  if (at < 0) return null
  const count = Number(process.argv[at + 1])
  if (!Number.isInteger(count) || count < 1) throw new Error('--videos takes a whole number from 1.')
  return count
}

/** Uploads one video by the real way. @returns where a player finds it */
async function uploadOne(product: Product): Promise<{ videoId: string; paths: string[] }> {
  const person = await signUp(product.url)
  const bytes = await readFile(await makeClip('h264'))
  const upload = await startUpload(person, bytes, 'the one that is multiplied')
  await upload.sendUntil(bytes.length)
  const receipt = await eventually(120_000, async () => {
    const now = await person.receipt(upload.id)
    return hasEnded(now) ? now : null
  })
  if (receipt?.state !== 'complete') throw new Error(`The video did not get ready: ${receipt?.state}`)
  // Its last picture may be a moment later than its last segment.
  await sleep(2_000)
  const card = (await (await person.request('GET', `/videos/${upload.videoId}`)).json()) as VideoCard
  const master = card.playback.masterUrl
  const playlist = await firstUri(product.url, master)
  const segment = await firstUri(product.url, playlist)
  return { videoId: upload.videoId, paths: [master, playlist, segment] }
}

async function firstUri(origin: string, path: string): Promise<string> {
  const lines = (await (await fetch(new URL(path, origin))).text()).split('\n')
  return new URL(
    lines.find((line) => line.trim() && !line.startsWith('#'))!,
    new URL(path, origin),
  ).pathname
}

interface Load {
  readonly port: number
  readonly ratePerS: number
  readonly asked: readonly Asked[]
}

async function measureBackups(dir: string, dataDir: string, load: Load) {
  const place = join(dir, 'kept')
  const key = join(dir, 'backup.key')
  await must(upbeat(['key', key]))
  const watching = startWatching({ ...load, seconds: 600 })
  await sleep(1_000)
  const startedMs = Date.now()
  say('first backup, in copies (under a key)')
  const firstS = await must(upbeat(['backup', join(dir, 'sealed'), '--key', key, '--data', dataDir], ENV))
  const sealedBytes = await sizeOf(join(dir, 'sealed'))
  await rm(join(dir, 'sealed'), { recursive: true, force: true })
  say('first backup, linked')
  const linkedS = await must(upbeat(['backup', place, '--data', dataDir], ENV))
  say('second backup')
  const secondS = await must(upbeat(['backup', place, '--data', dataDir], ENV))
  say('proof')
  const proofS = await must(upbeat(['restore', place, '--verify', '--data', dataDir], ENV))
  const served = shareServed(watching.outcomes, startedMs, Date.now() - 5_000)
  watching.stop()
  return { place, firstS, sealedBytes, linkedS, secondS, proofS, served }
}

/** Kills everything while people watch, starts again, and looks when they are served. */
async function measureKill(product: Product, dataDir: string, load: Load & { readonly seconds: number }) {
  say('SIGKILL of everything')
  const watching = startWatching(load)
  await sleep(3_000)
  const killedAtMs = Date.now()
  await killEverything(product)
  const started = await startProduct({ dataDir, port: load.port, env: ENV, until: 'control' })
  const isFull = await untilFullService(started.url, load.seconds * 1_000)
  const levelZeroMs = isFull === null ? null : Date.now() - killedAtMs
  const lagMs = await watching.ended
  const backMs = backAfter(watching.outcomes, { fromMs: killedAtMs, share: 0.99, windowMs: 250 })
  return {
    product: started,
    backS: backMs === null ? null : backMs / 1_000,
    levelZeroS: levelZeroMs === null ? null : levelZeroMs / 1_000,
    lagMs,
  }
}

/** What one did before: stop, copy, start. */
async function measureCopy(from: string, to: string): Promise<number> {
  const startMs = performance.now()
  await run_('cp', ['-a', from, to])
  await run_('sync', ['-f', to])
  return (performance.now() - startMs) / 1_000
}

/** Seconds that it took. @throws when it failed */
async function must(running: ReturnType<typeof upbeat>): Promise<number> {
  const { code, errors, tookMs } = await running
  if (code !== 0) throw new Error(`upbeat ended with ${code}: ${errors}`)
  return tookMs / 1_000
}

const sizeOf = async (path: string): Promise<number> =>
  Number.parseInt((await run_('du', ['-sb', path])).stdout, 10)

async function requireRoom(path: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path)
  if (bavail * bsize < neededBytes)
    throw new Error(`${path} needs ${neededBytes} free bytes for this, and has ${bavail * bsize}.`)
}

function describe(found: {
  readonly count: number
  readonly bytes: number
  readonly backups: Awaited<ReturnType<typeof measureBackups>>
  readonly killed: Awaited<ReturnType<typeof measureKill>>
  readonly intoEmptyS: number
  readonly copyS: number
}): BenchResult {
  const { count, bytes, backups, killed, intoEmptyS, copyS } = found
  const row = (
    what: string,
    ours: number | null,
    unit: string,
    target: string | null = null,
    rival: number | null = null,
  ) => (ours === null ? [] : [{ what, ours, rival, unit, target }])
  const rows: BenchRow[] = [
    ...row(`first backup of ${count} videos, encrypted copies`, backups.firstS, 's', null, copyS),
    ...row('first backup, hard links', backups.linkedS, 's'),
    ...row('second backup', backups.secondS, 's', null, copyS),
    ...row('size of the encrypted one', backups.sealedBytes / 1e6, 'MB', null, bytes / 1e6),
    ...row('restore on trial, every file read back', backups.proofS, 's'),
    ...row('restore into an empty folder', intoEmptyS, 's', null, copyS),
    ...row(
      'served while all that went on',
      backups.served === null ? null : backups.served * 100,
      '%',
      '≥ 99 %',
    ),
    ...row('after SIGKILL of everything, playback ≥ 99 %', killed.backS, 's', `≤ ${TARGETS.playbackBackS} s`),
    ...row(
      'after SIGKILL of everything, level 0 with all on',
      killed.levelZeroS,
      's',
      `≤ ${TARGETS.levelZeroS} s`,
    ),
  ]
  const fallsShort: string[] = []
  if (count < VIDEOS) fallsShort.push(`It was measured with ${count} videos, not with ${VIDEOS}.`)
  if (killed.lagMs > TARGETS.generatorLagMs)
    fallsShort.push(`The run is void: the generator was up to ${Math.round(killed.lagMs)} ms late.`)
  if (killed.backS === null || killed.backS > TARGETS.playbackBackS)
    fallsShort.push(
      killed.backS === null
        ? `Playback was not back within the time that was watched; ${TARGETS.playbackBackS} s are promised.`
        : `Playback was back after ${killed.backS} s, not ${TARGETS.playbackBackS} s.`,
    )
  if (backups.served === null || backups.served < TARGETS.servedDuringBackup)
    fallsShort.push(
      `Of what was watched during backups ${backups.served === null ? 'nothing is known' : `${(backups.served * 100).toFixed(2)} % was served`}.`,
    )
  if (killed.levelZeroS === null || killed.levelZeroS > TARGETS.levelZeroS)
    fallsShort.push(
      killed.levelZeroS === null
        ? `Level 0 did not come back within the time that was watched; ${TARGETS.levelZeroS} s are promised.`
        : `Level 0 was back after ${killed.levelZeroS} s, not ${TARGETS.levelZeroS} s.`,
    )
  return {
    name: 'restore',
    rows,
    figures: {
      videos: count,
      bytes,
      firstBackupS: roundTo(backups.firstS, 2),
      firstLinkedBackupS: roundTo(backups.linkedS, 2),
      secondBackupS: roundTo(backups.secondS, 2),
      encryptedBytes: backups.sealedBytes,
      proofS: roundTo(backups.proofS, 2),
      intoEmptyS: roundTo(intoEmptyS, 2),
      copyS: roundTo(copyS, 2),
      servedDuringBackups: backups.served === null ? null : roundTo(backups.served, 4),
      playbackBackS: killed.backS === null ? null : roundTo(killed.backS, 2),
      levelZeroS: killed.levelZeroS === null ? null : roundTo(killed.levelZeroS, 2),
      generatorLagMs: roundTo(killed.lagMs, 1),
    },
    fallsShort,
  }
}
