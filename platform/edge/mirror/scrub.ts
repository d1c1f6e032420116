/** Reads the whole mirror again and again, at a bounded pace: rot goes before anybody meets it, and so does what is too much. */
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../../kit/log.ts'
import type { Mirror, StoredObject } from './mirror.ts'

export interface ScrubState {
  objects: number
  sizeBytes: number
  /** Found since this process began. */
  rotten: number
  scrubbedAt: Date | null
}

export interface ScrubOptions {
  readonly mirror: Mirror
  readonly log: Log
  readonly bytesPerS: number
  readonly maxBytes: () => number
  readonly now: () => Date
  /** Off for a drill. */
  readonly isOn: boolean
}

/** Below the limit by this much after making room, so that it is not made for each segment. */
const ROOM_LEFT = 0.9

/** One round over all objects; counts are those of the round. */
export async function scrubOnce(
  { mirror, log, bytesPerS, maxBytes, now, isOn }: ScrubOptions,
  state: ScrubState,
  signal: AbortSignal,
): Promise<void> {
  const kept: StoredObject[] = []
  for await (const object of mirror.listObjects()) {
    if (signal.aborted) return
    if (isOn && !(await isStillSound(mirror, object))) {
      await mirror.drop(object.sha256, extname(object.path))
      state.rotten += 1
      log.warn({ sha256: object.sha256 }, 'edge.rot-found')
    } else kept.push(object)
    await sleep((object.sizeBytes / bytesPerS) * 1_000, undefined, { signal }).catch(() => {})
  }
  const totalBytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const freedBytes = totalBytes > maxBytes() ? await makeRoom(mirror, kept, maxBytes() * ROOM_LEFT) : 0
  state.objects = kept.length
  state.sizeBytes = totalBytes - freedBytes
  state.scrubbedAt = now()
}

/** What was taken away while it was read is nobody's rot. */
const isStillSound = (mirror: Mirror, object: StoredObject): Promise<boolean> =>
  mirror.isSound(object).catch((error: NodeJS.ErrnoException) => error.code === 'ENOENT')

/** Drops what was used longest ago, as far as the file system tells (with `relatime`: to a day). */
async function makeRoom(mirror: Mirror, kept: StoredObject[], wantedBytes: number): Promise<number> {
  let leftBytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const before = leftBytes
  for (const object of kept.toSorted((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (leftBytes <= wantedBytes) break
    await mirror.drop(object.sha256, extname(object.path))
    leftBytes -= object.sizeBytes
  }
  return before - leftBytes
}
