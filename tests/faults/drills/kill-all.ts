/** SIGKILL of every process at once, in the middle of an upload, of transcoding and of what people do; then a start. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findPostgresAddress } from '../../../platform/infra/postgres/address.ts'
import { makeClip } from '../../support/clips.ts'
import { startProduct } from '../../support/product.ts'
import { makeTemporaryDir } from '../../support/temporary-dir.ts'
import { hasEnded, signUp, startUpload, type DrillClient } from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'
import { gather } from '../observing/audience.ts'
import { promiseKept } from '../observing/comparing.ts'
import { startActing } from '../observing/ledger.ts'
import { allowedMs, secondsSince, type Report } from '../report.ts'
import { encoding, killEverything } from '../../rig/victims.ts'

const END_TIMEOUT_MS = 90_000
/** Full service after any death, as the faults' table promises. */
const SERVICE_MS = 10_000
const ACTING_MS = 3_000

export async function run(report: Report): Promise<void> {
  await using dir = await makeTemporaryDir()
  const env = { UPLOAD_RESERVE_BYTES: '0' }
  const first = await startProduct({ dataDir: dir.path, env })
  const port = Number(new URL(first.url).port)
  const person = await signUp(first.url)
  const bytes = await readFile(await makeClip('hevc'))

  const audience = await gather(first, { people: 3, videos: 1 })
  const ledger = startActing(audience)
  await sleep(ACTING_MS)
  const encoded = await startUpload(person, bytes, 'everything killed while transcoding')
  await encoded.sendUntil(bytes.length)
  const half = await startUpload(person, bytes, 'everything killed while uploading')
  await half.sendUntil(Math.floor(bytes.length / 2))
  await encoding(first, 15_000)
  await killEverything(first)
  await ledger.stop()

  const [startMs, limitMs] = [performance.now(), allowedMs(SERVICE_MS)]
  await using second = await startProduct({ dataDir: dir.path, port, env })
  report.promise(
    `after everything was killed, a start serves within ${Math.round(limitMs / 1_000)} s`,
    performance.now() - startMs < limitMs,
    secondsSince(startMs),
  )

  const databaseUrl = await findPostgresAddress(join(dir.path, 'postgres'))
  await promiseKept(report, { ledger, audience, databaseUrl: databaseUrl! }, 'everything killed')
  await half.sendUntil(bytes.length)
  report.promise(
    'an upload goes on where it was acknowledged, with the session of before',
    half.lostBytes === 0,
    `${half.acknowledgedBytes} bytes`,
  )
  await promiseEnd(report, person, encoded, 'killed while transcoding')
  await promiseEnd(report, person, half, 'killed while uploading')
  await second.settled()
}

async function promiseEnd(
  report: Report,
  person: DrillClient,
  upload: { readonly id: string; readonly sha256: string },
  when: string,
): Promise<void> {
  const startMs = performance.now()
  const receipt = await eventually(END_TIMEOUT_MS, async () => {
    const now = await person.receipt(upload.id)
    return hasEnded(now) ? now : null
  })
  report.promise(
    `the receipt ends with the very bytes that were sent: everything ${when}`,
    receipt?.state === 'complete' && receipt.sha256 === upload.sha256,
    `${receipt?.state ?? 'not ended'}, ${secondsSince(startMs)}`,
  )
}
