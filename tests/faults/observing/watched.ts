/** What the drills of the watch share: a platform with something to look at, and what the watch says of it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { WatchStatus } from '../../../contract/watch.ts'
import { makeClip } from '../../support/clips.ts'
import type { Product } from '../../support/product.ts'
import { signUp, startUpload } from '../../rig/people/client.ts'
import { eventually } from '../../rig/eventually.ts'

const STATUS_TIMEOUT_MS = 5_000

/**
 * One complete video by a new account.
 *
 * @throws when there is no front page: a watch would say so, and rightly
 */
export async function publishVideo(product: Product): Promise<void> {
  const front = await fetch(product.url)
  if (!front.ok)
    throw new Error(
      `The front page answers ${front.status}: the web app has to be built (node scripts/set-up.mjs run).`,
    )
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

const CHECKS_TOLD = 12

/**
 * What a watch says of the features that it does not see work, and what its last checks stumbled over: for the figures of
 * a promise that was broken. Empty: it sees all of them work.
 */
export async function tellUnwell(url: string, dataDir: string): Promise<string> {
  const status = await readStatus(url).catch(() => null)
  if (!status) return `${url} does not answer`
  const unwell = status.features.filter(({ state }) => state !== 'up')
  const silent = (status.peers ?? []).filter(({ isSilent }) => isSilent).map(({ url }) => `${url} is silent`)
  const words = unwell.map(({ id, state, status }) => `${id} ${state} (${status})`)
  const incidents = status.incidents.map(({ title, state }) => `“${title}” ${state}`)
  const checks = unwell.length > 0 ? readChecks(dataDir) : []
  return [...words, ...silent, ...incidents, ...checks].join('; ')
}

/** What the last checks that broke or mended came to, as the watch keeps it. */
function readChecks(dataDir: string): string[] {
  const db = new DatabaseSync(join(dataDir, 'watch.sqlite'), { readOnly: true, timeout: STATUS_TIMEOUT_MS })
  try {
    const rows = db
      .prepare('select monitor_id, at_ms, outcome, detail, phases from probe_event order by id desc limit ?')
      .all(CHECKS_TOLD) as unknown as readonly CheckRow[]
    return rows
      .toReversed()
      .map(
        ({ monitor_id, at_ms, outcome, detail, phases }) =>
          `${new Date(at_ms).toISOString().slice(11, 19)} ${monitor_id} ${outcome} ${detail} ${phases}`,
      )
  } finally {
    db.close()
  }
}

interface CheckRow {
  readonly monitor_id: string
  readonly at_ms: number
  readonly outcome: string
  readonly detail: string
  readonly phases: string
}
