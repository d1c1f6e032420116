/** The clip of one second that journeys upload, and the wait until it plays. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Receipt } from '../../../contract/uploads.ts'
import { journeyFailure, type Traveller } from './traveller.ts'

const POLL_MS = 500

let clip: Buffer | null = null
const readClip = (): Buffer => (clip ??= readFileSync(join(import.meta.dirname, 'one-second.mp4')))

/** Sends the clip by tus 1.0, private, to be published as soon as it plays. */
export async function sendClip(traveller: Traveller, caption: string): Promise<Receipt> {
  const bytes = readClip()
  const metadata = {
    filename: 'check.mp4',
    filetype: 'video/mp4',
    caption,
    visibility: 'private',
    publish: '1',
  }
  const created = await traveller.send('upload', {
    method: 'POST',
    path: '/api/v1/uploads',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': String(bytes.length),
      'upload-metadata': Object.entries(metadata)
        .map(([name, value]) => `${name} ${btoa(value)}`)
        .join(','),
      'idempotency-key': crypto.randomUUID(),
    },
  })
  const receipt = JSON.parse(created.body.toString('utf8')) as Receipt
  await traveller.send('upload', {
    method: 'PATCH',
    path: String(created.headers.location ?? `/api/v1/uploads/${receipt.id}`),
    headers: {
      'tus-resumable': '1.0.0',
      'upload-offset': '0',
      'content-type': 'application/offset+octet-stream',
    },
    body: bytes,
  })
  return receipt
}

/** @throws {JourneyError} when it failed, or is not that far when the time of the journey is over */
export async function waitForReceipt(
  traveller: Traveller,
  id: string,
  until: 'playable' | 'complete',
): Promise<Receipt> {
  const endMs = performance.now() + traveller.patienceMs
  for (;;) {
    const receipt = await traveller.getJson<Receipt>(until, `/api/v1/uploads/${id}`)
    if (receipt.state === 'failed')
      throw journeyFailure('assertion', `upload: it failed (${receipt.failure?.code ?? 'no reason given'}).`)
    if (receipt.state === 'complete' || (until === 'playable' && receipt.state === 'playable')) return receipt
    if (performance.now() > endMs - POLL_MS)
      throw journeyFailure(
        'timeout',
        `upload: still ${receipt.state} and not ${until} when the time was over.`,
      )
    await sleep(POLL_MS)
  }
}
