/** Hears from the origins which videos changed, and takes their names out of the mirror. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { MediaChanges } from '../../contract/edge.ts'
import { writeWhole } from '../../kit/files/durable-file.ts'
import type { Log } from '../../kit/log.ts'
import { edgeTokenOf } from '../app/edge-token.ts'
import type { Sources } from './agent/sources.ts'
import type { Mirror } from './mirror/mirror.ts'

const TIMEOUT_MS = 5_000
/** Whoever has not heard for so long may have missed what is not told any more. */
const MISSED_AFTER_MS = 12 * 3_600_000
const SAVE_INTERVAL_MS = 10_000
/** More than are told again in an answer; those from before a start are heeded once more, which only costs a question. */
const HEEDED_MAX = 4_000

const Position = z.object({ after: z.string().nullable(), heardAt: z.iso.datetime().nullable() })
type Position = z.infer<typeof Position>

export interface ChangesOptions {
  readonly mirror: Mirror
  readonly path: string
  readonly mediaKey: string
  readonly log: Log
}

/** Opens the feed where it was left. */
export async function openChanges({ mirror, path, mediaKey, log }: ChangesOptions) {
  let position: Position = await readFile(path, 'utf8')
    .then((text) => Position.parse(JSON.parse(text)))
    .catch(() => ({ after: null, heardAt: null }))
  // Nobody knows what has changed since these names were made.
  if (position.heardAt === null) await mirror.purgeScope('open')
  let savedAtMs = 0
  const heeded = new Set<string>()
  return {
    /** Asks once. @throws when no origin answers */
    async hear(sources: Sources): Promise<void> {
      const heardMs = position.heardAt === null ? 0 : Date.parse(position.heardAt)
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const { answer } = await sources.ask('changes', {
        path: `/api/v1/edges/changes${position.after === null ? '' : `?after=${position.after}`}`,
        headers: { authorization: `Bearer ${edgeTokenOf(mediaKey)}` },
        ...{ signal, attempt: 0, isForEdge: true },
      })
      let text = ''
      for await (const part of answer.setEncoding('utf8')) text += String(part)
      if (answer.statusCode !== 200) throw new Error(`The changes were answered with ${answer.statusCode}.`)
      const { items, next } = MediaChanges.parse(JSON.parse(text))
      if (heardMs > 0 && Date.now() - heardMs > MISSED_AFTER_MS) {
        await mirror.purgeScope('open')
        log.warn({ heardAt: position.heardAt }, 'edge.changes-missed')
      }
      // Purged again with each answer, a video would be on no edge for as long as its change is told.
      const unheard = items.filter(({ id }) => !heeded.has(id))
      // What was asked for since the names were taken away is newer than what the first answer tells.
      const isNews = position.after !== null
      for (const videoId of new Set(isNews ? unheard.map((item) => item.videoId) : []))
        await mirror.purge(videoId)
      for (const { id } of unheard) heeded.add(id)
      for (const id of heeded) {
        if (heeded.size <= HEEDED_MAX) break
        heeded.delete(id)
      }
      position = { after: next ?? position.after, heardAt: new Date().toISOString() }
      if (unheard.length > 0 || Date.now() - savedAtMs > SAVE_INTERVAL_MS) {
        savedAtMs = Date.now()
        await writeWhole(path, JSON.stringify(position))
      }
    },
  }
}
