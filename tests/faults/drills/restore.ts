/**
 * A backup is made under load; then everything is killed and its folder given up. What was acknowledged before the backup
 * is there after a restore into an empty folder, and plays.
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { VideoCard } from '../../../contract/videos.ts'
import { makeClip } from '../../support/clips.ts'
import { upbeat } from '../../support/command-line.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { hasEnded, signUp, startUpload, type DrillClient, type DrillUpload } from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'
import { killEverything } from '../../rig/victims.ts'

const run_ = promisify(execFile)
const END_TIMEOUT_MS = 90_000
const COMMAND_LIMIT_MS = 1_000
/** Before the backup, so that it is made of something, and beside it, so that it is made of something that changes. */
const COMMENTS_BEFORE = 10

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  const [lost, restored, place] = ['lost', 'restored', 'kept'].map((name) => join(dir.path, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [lost, restored]) await mkdir(path, { mode: 0o711 })
  const env = { UPLOAD_RESERVE_BYTES: '0' }
  const first = await startProduct({ dataDir: lost, env })
  const port = Number(new URL(first.url).port)
  const person = await signUp(first.url)
  const kept = await prepare(person)

  const load = startLoad(person, kept.video.videoId)
  const made = await upbeat(['backup', place, '--data', lost])
  report.promise(
    'a backup is made while people go on',
    made.code === 0,
    `${secondsOf(made.tookMs)}${made.errors}`,
  )
  await killEverything(first)
  const meanwhile = await load.stop()

  const startMs = performance.now()
  const put = await upbeat(['restore', place, '--into-empty', '--data', restored])
  report.promise(
    'it is restored into an empty folder',
    put.code === 0,
    `${secondsOf(put.tookMs)}${put.errors}`,
  )
  await using second = await startProduct({ dataDir: restored, port, env })
  report.promise(
    'the restored instance serves',
    (await fetch(`${second.url}/healthz`)).ok,
    secondsSince(startMs),
  )
  await promiseKept(report, person, kept)
  report.promise(
    'no comment is there that was not sent',
    (await listComments(person, kept.video.videoId)).every(
      (body) => kept.comments.has(body) || meanwhile.has(body),
    ),
    `${meanwhile.size} were sent meanwhile`,
  )
  await promisePlays(report, second, kept.video)
  const proven = await upbeat(['restore', place, '--verify', '--data', restored])
  report.promise('the backup can be proven', proven.code === 0, `${secondsOf(proven.tookMs)}${proven.errors}`)
  await killEverything(second)
  const writtenMs = async () => (await stat(join(restored, 'secrets.json'))).mtimeMs
  const before = await writtenMs()
  const again = await upbeat(['restore', place, '--into-empty', '--data', restored])
  report.promise(
    'a second restore, with nothing running, overwrites nothing',
    again.code === 1 && before === (await writtenMs()),
    again.errors.trim().split('\n')[0],
  )
  const limitMs = allowedMs(COMMAND_LIMIT_MS)
  const status = await upbeat(['status', '--json', '--data', restored])
  report.promise(
    `with everything dead, status answers within ${Math.round(limitMs)} ms and says when a restore was proven`,
    status.code === 3 && status.tookMs <= limitMs && isProofTold(status.output),
    `${Math.round(status.tookMs)} ms`,
  )
}

interface Kept {
  readonly video: DrillUpload
  /** Half of it was acknowledged. */
  readonly half: DrillUpload
  readonly bytes: Buffer
  readonly comments: ReadonlySet<string>
}

/** What is acknowledged before the backup. */
async function prepare(person: DrillClient): Promise<Kept> {
  const bytes = await readFile(await makeClip('h264'))
  const video = await startUpload(person, bytes, 'there before the backup')
  await video.sendUntil(bytes.length)
  const receipt = await eventually(END_TIMEOUT_MS, async () => {
    const now = await person.receipt(video.id)
    return hasEnded(now) ? now : null
  })
  if (receipt?.state !== 'complete') throw new Error(`The video did not get ready: ${receipt?.state}`)
  const half = await startUpload(person, bytes, 'under way when the backup is made')
  await half.sendUntil(Math.floor(bytes.length / 2))
  await person.persist('PUT', `/videos/${video.videoId}/like`)
  const comments = new Set<string>()
  for (let i = 0; i < COMMENTS_BEFORE; i++) {
    const body = `before ${i}`
    await person.persist('POST', `/videos/${video.videoId}/comments`, { body })
    comments.add(body)
  }
  return { video, half, bytes, comments }
}

/** Comments, one after the other, until it is stopped. */
function startLoad(person: DrillClient, videoId: string): { stop(): Promise<ReadonlySet<string>> } {
  const sent = new Set<string>()
  let isEnding = false
  const running = (async () => {
    for (let i = 0; !isEnding; i++) {
      const body = `meanwhile ${i}`
      sent.add(body)
      await person
        .request('POST', `/videos/${videoId}/comments`, {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ body }),
        })
        .catch(() => null)
      await sleep(20)
    }
  })()
  return {
    async stop() {
      isEnding = true
      await running
      return sent
    },
  }
}

async function promiseKept(
  report: Report,
  person: DrillClient,
  { video, half, bytes, comments }: Kept,
): Promise<void> {
  const receipt = await person.receipt(video.id)
  report.promise(
    'the session goes on, and the receipt has the very bytes that were sent',
    receipt.state === 'complete' && receipt.sha256 === video.sha256,
    receipt.state,
  )
  const card = (await (await person.request('GET', `/videos/${video.videoId}`)).json()) as VideoCard
  report.promise('the like is there', card.viewer?.isLiked === true)
  const found = new Set(await listComments(person, video.videoId))
  report.promise('every comment of before is there', comments.isSubsetOf(found), `${comments.size} of them`)
  await half.sendUntil(bytes.length)
  const ended = await eventually(END_TIMEOUT_MS, async () => {
    const now = await person.receipt(half.id)
    return hasEnded(now) ? now : null
  })
  report.promise(
    'the upload under way goes on where it was acknowledged, and is published',
    half.lostBytes === 0 && ended?.state === 'complete' && ended.sha256 === half.sha256,
    `${half.lostBytes} bytes lost, ${ended?.state ?? 'not ended'}`,
  )
}

async function listComments(person: DrillClient, videoId: string): Promise<string[]> {
  const bodies: string[] = []
  let cursor: string | null = null
  do {
    const query: string = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`
    const response = await person.request('GET', `/videos/${videoId}/comments${query}`)
    const page = (await response.json()) as { items: { body: string }[]; nextCursor: string | null }
    bodies.push(...page.items.map(({ body }) => body))
    cursor = page.nextCursor
  } while (cursor !== null)
  return bodies
}

/** By ffprobe over HTTP, as a player that follows playlists by itself. */
async function promisePlays(report: Report, product: Product, video: DrillUpload): Promise<void> {
  const card = (await (await fetch(`${product.url}/api/v1/videos/${video.videoId}`)).json()) as VideoCard
  const url = new URL(card.playback.masterUrl, product.url).href
  const { stdout } = await run_(
    'ffprobe',
    [
      '-v',
      'error',
      '-count_frames',
      '-select_streams',
      'v:0',
      '-show_entries',
      'stream=nb_read_frames',
      '-of',
      'csv=p=0',
      url,
    ],
    { timeout: 60_000 },
  ).catch((error: Error) => ({ stdout: error.message }))
  const frames = Number.parseInt(stdout, 10)
  report.promise(
    'a restored video plays',
    frames > 5,
    `${Number.isNaN(frames) ? stdout : `${frames} pictures`}`,
  )
}

const secondsOf = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
const isProofTold = (output: string) =>
  (JSON.parse(output) as { backups: { lastProof: object | null } }).backups.lastProof !== null
