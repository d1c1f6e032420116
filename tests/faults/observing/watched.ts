/** What the drills of the watch share: a platform with something to look at, and what the watch says of it. */
import { readFile } from 'node:fs/promises'
import { WatchStatus } from '../../../contract/watch.ts'
import { makeClip } from '../../support/clips.ts'
import type { Product } from '../../support/product.ts'
import { signUp, startUpload } from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'

const STATUS_TIMEOUT_MS = 5_000

/** One complete video by a new account. */
export async function publishVideo(product: Product): Promise<void> {
  const person = await signUp(product.url)
  const bytes = await readFile(await makeClip('h264Large'))
  const upload = await startUpload(person, bytes, 'A video to look at')
  await upload.sendUntil(bytes.length)
  await eventually(120_000, async () => (await person.receipt(upload.id)).state === 'complete')
}

/** @throws when the watch at `url` does not answer within five seconds, or not by its contract. */
export async function readStatus(url: string): Promise<WatchStatus> {
  const response = await fetch(`${url}/api/v1/services/upbeat/status.json`, {
    signal: AbortSignal.timeout(STATUS_TIMEOUT_MS),
  })
  return WatchStatus.parse(await response.json())
}
