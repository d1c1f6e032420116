/** The folder of blobs: whether it is this instance's, and whether the newest videos are whole in it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDiskBlobs } from '../../../../infra/blobs/index.ts'
import { openDatabase } from '../../../../infra/db/index.ts'
import { listGenerations, listPlayable, segmentKeyOf } from '../../../videos/index.ts'
import type { Check } from '../doctor.ts'
import * as queries from '../../operations.queries.ts'
import { fine, problem, unknown } from './finding.ts'

const ABOUT = 'Files'
const MARKER_NAME = 'store-id'
const VIDEOS = 20

export const checkFiles: Check = async ({ config, databaseUrl, log }) => {
  if (databaseUrl === null) return [unknown(ABOUT, 'Which files there have to be, only the database knows.')]
  await using database = openDatabase({
    url: databaseUrl,
    poolSize: 1,
    applicationName: 'upbeat-doctor',
    onError: (error) => log.debug({ err: error }, 'doctor.connection'),
  })
  const { db } = database
  const { blobs: folder } = config.paths
  const storeId = await queries.findStoreId(db)
  const found = await readFile(join(folder, MARKER_NAME), 'utf8').catch(() => null)
  if (storeId !== null && found?.trim() !== storeId)
    return [
      problem(
        ABOUT,
        `${folder} is not the folder that belongs to this database: ${MARKER_NAME} is ${found === null ? 'missing' : 'another one'}.`,
        'Mount the disk that belongs there. Nothing is given up meanwhile.',
      ),
    ]
  const blobs = await openDiskBlobs(folder)
  let [checked, missing] = [0, 0]
  for (const videoId of await listPlayable(db, VIDEOS))
    for (const { manifest } of await listGenerations(db, videoId))
      for (const rendition of [...manifest.videos, ...(manifest.audio ? [manifest.audio] : [])])
        for (const file of [rendition.init, ...rendition.segments]) {
          const stored = await blobs.stat(
            segmentKeyOf(videoId, rendition.generation, rendition.id, file.name),
          )
          checked++
          if (stored?.sizeBytes !== file.sizeBytes) missing++
        }
  if (missing > 0)
    return [
      problem(
        ABOUT,
        `Of ${checked} segments of the newest videos ${missing} are missing or cut off.`,
        'The worker makes them anew from the originals; where those are gone too, restore a backup.',
      ),
    ]
  return [
    fine(
      ABOUT,
      checked > 0 ? `All ${checked} segments of the newest videos are there.` : 'There are no videos yet.',
    ),
  ]
}
