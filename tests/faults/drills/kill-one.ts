/**
 * SIGKILL of the API, the ingest, the worker, PostgreSQL and the encoder, each in the middle of an upload, of
 * transcoding, and of people's actions.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeClip } from '../../support/clips.ts'
import { startProduct, type Product } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { hasEnded, signUp, startUpload, type DrillClient, type DrillUpload } from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'
import { encoding, killVictim, type Victim } from '../../rig/victims.ts'

/** A receipt must have ended by then, on two busy cores. */
const END_TIMEOUT_MS = 90_000
/** Full service after any death, as the faults' table promises. */
const SERVICE_MS = 10_000

/** Each of them, at each moment. */
export const run = (report: Report): Promise<void> =>
  killEach(report, {
    uploading: ['api', 'ingest', 'worker', 'postgres'],
    transcoding: ['api', 'ingest', 'worker', 'postgres', 'ffmpeg'],
    acting: ['api', 'postgres'],
  })

/** Those on whom most hangs at each moment. */
export const runShort = (report: Report): Promise<void> =>
  killEach(report, {
    uploading: ['ingest', 'postgres'],
    transcoding: ['worker'],
    acting: ['api', 'postgres'],
  })

type Victims = Readonly<Record<'uploading' | 'transcoding' | 'acting', readonly Victim[]>>

async function killEach(report: Report, { uploading, transcoding, acting }: Victims): Promise<void> {
  await using dir = await makeTemporaryDir()
  await using product = await startProduct({ dataDir: dir.path, env: { UPLOAD_RESERVE_BYTES: '0' } })
  const person = await signUp(product.url)
  // It can't be copied, so that there is something to encode.
  const bytes = await readFile(await makeClip('hevc'))

  for (const victim of uploading) await duringUpload(report, { product, person, bytes, victim })
  for (const victim of transcoding) await duringTranscoding(report, { product, person, bytes, victim })
  for (const victim of acting) await duringActions(report, { product, person, bytes, victim })
}

interface Scene {
  readonly product: Product
  readonly person: DrillClient
  readonly bytes: Buffer
  readonly victim: Victim
}

async function duringUpload(report: Report, { product, person, bytes, victim }: Scene): Promise<void> {
  const upload = await startUpload(person, bytes, `${victim} killed while uploading`)
  await upload.sendUntil(Math.floor(bytes.length / 3))
  const sending = upload.sendUntil(bytes.length)
  await killVictim(product, victim)
  const killedMs = performance.now()
  await sending
  await promiseService(report, product, `after ${victim} was killed during an upload`, killedMs)
  report.promise(
    `no acknowledged byte is lost when ${victim} is killed during an upload`,
    upload.lostBytes === 0,
    `${upload.acknowledgedBytes} bytes, ${upload.retries} requests repeated`,
  )
  await promiseEnd(report, person, upload, `${victim} killed during the upload`)
}

async function duringTranscoding(report: Report, { product, person, bytes, victim }: Scene): Promise<void> {
  const upload = await startUpload(person, bytes, `${victim} killed while transcoding`)
  await upload.sendUntil(bytes.length)
  if (!(await encoding(product, 15_000))) throw new Error('Nothing was encoded within 15 s.')
  await killVictim(product, victim)
  const killedMs = performance.now()
  await promiseService(report, product, `after ${victim} was killed during transcoding`, killedMs)
  await promiseEnd(report, person, upload, `${victim} killed during transcoding`)
}

async function duringActions(report: Report, { product, person, bytes, victim }: Scene): Promise<void> {
  const upload = await startUpload(person, bytes, `${victim} killed while people act`)
  await upload.sendUntil(bytes.length)
  await promiseEnd(report, person, upload, `uploaded before people act`)
  const visitor = await signUp(product.url)
  const { videoId } = upload

  const acting = Promise.all([
    visitor.persist('PUT', `/videos/${videoId}/like`),
    visitor.persist('PUT', `/videos/${videoId}/save`),
    visitor.persist('PUT', `/profiles/${person.handle}/follow`),
    ...Array.from({ length: 20 }, async (_, index) => {
      await sleep(index * 25)
      return visitor.persist<{ id: string }>('POST', `/videos/${videoId}/comments`, {
        body: `comment ${index}`,
      })
    }),
  ])
  await sleep(150)
  await killVictim(product, victim)
  const killedMs = performance.now()
  await promiseService(report, product, `after ${victim} was killed while people act`, killedMs)
  await acting

  const marks = await eventually(allowedMs(SERVICE_MS), () => readMarks(visitor, videoId, person.handle))
  report.promise(
    `acknowledged likes, saves and follows are there after ${victim} was killed`,
    marks !== null && Object.values(marks).every(Boolean),
    JSON.stringify(marks),
  )
  const { items } = await visitor.persist<{ items: { body: string }[] }>(
    'GET',
    `/videos/${videoId}/comments?limit=50`,
  )
  report.promise(
    `no answer was unexplained while ${victim} was dead`,
    visitor.unexplainedCount === 0,
    `${visitor.unexplainedCount} of status 500`,
  )
  const bodies = items.map(({ body }) => body)
  report.promise(
    `each comment is there exactly once after ${victim} was killed, though the client repeated what got no answer`,
    bodies.length === 20 && new Set(bodies).size === 20,
    `${bodies.length} comments, ${new Set(bodies).size} different`,
  )
}

/** Null: not all of them are known at the moment, as while the death of the database has just been seen. */
async function readMarks(visitor: DrillClient, videoId: string, author: string) {
  const card = await visitor.persist<{ viewer: { isLiked: boolean | null; isSaved: boolean | null } }>(
    'GET',
    `/videos/${videoId}`,
  )
  const profile = await visitor.persist<{ viewer: { isFollowing: boolean | null } }>(
    'GET',
    `/profiles/${author}`,
  )
  const { isLiked, isSaved } = card.viewer
  const { isFollowing } = profile.viewer
  return [isLiked, isSaved, isFollowing].includes(null) ? null : { isLiked, isSaved, isFollowing }
}

async function promiseService(
  report: Report,
  product: Product,
  when: string,
  sinceMs: number,
): Promise<void> {
  const limitMs = allowedMs(SERVICE_MS)
  const isBack = await eventually(limitMs, async () => {
    const { roles, postgres } = await product.status()
    const isUp = roles.every(({ state }) => state === 'ready') && postgres!.pid !== null
    return isUp && (await fetch(`${product.url}/api/v1/feed/for-you`)).ok
  })
  report.promise(
    `full service within ${Math.round(limitMs / 1_000)} s ${when}`,
    isBack !== null,
    secondsSince(sinceMs),
  )
}

async function promiseEnd(
  report: Report,
  person: DrillClient,
  upload: DrillUpload,
  when: string,
): Promise<void> {
  const startMs = performance.now()
  const ended = await eventually(END_TIMEOUT_MS, async () => {
    const receipt = await person.receipt(upload.id)
    return hasEnded(receipt) ? receipt : null
  })
  const receipt = ended ?? (await person.receipt(upload.id))
  report.promise(
    `the receipt ends with the very bytes that were sent: ${when}`,
    ended !== null && receipt.state === 'complete' && receipt.sha256 === upload.sha256,
    `${receipt.state}${receipt.failure ? ` ${receipt.failure.code}` : ''}, ${secondsSince(startMs)}`,
  )
}
